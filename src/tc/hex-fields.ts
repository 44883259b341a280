const COLON = 0x3a

/**
 * Reads hexadecimal fields of the given widths, separated by colons, into one number, the first field highest. Fields
 * may be empty, which is 0, and left out at the end, but one colon must be there. Undefined for anything else.
 */
export function joinHexFields(text: string, widths: readonly number[]): number | undefined {
  let fields = 0
  let joined = 0
  let value = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : COLON
    if (code !== COLON) {
      const digit = hexDigit(code)
      if (digit === undefined) return undefined
      value = value * 16 + digit
      continue
    }
    const width = widths[fields++]
    if (width === undefined || value >= 2 ** width) return undefined
    joined = joined * 2 ** width + value
    value = 0
  }
  if (fields < 2) return undefined
  return widths.slice(fields).reduce((all, width) => all * 2 ** width, joined)
}

function hexDigit(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined
}
