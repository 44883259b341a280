const COLON = 0x3a

/**
 * Reads hexadecimal fields of the given widths in bits, together 32, separated by colons, into one number, the first
 * field highest. Fields may be empty, which is 0, and left out at the end, but one colon must be there. Undefined for
 * anything else.
 */
export function joinHexFields(text: string, widths: readonly number[]): number | undefined {
  let field = 0
  let joined = 0
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const width = widths[field] ?? 0
    if (code === COLON) {
      joined = (joined << width) | value
      value = 0
      field++
    } else {
      value = (value << 4) | hexDigit(code)
      if (value >>> width !== 0) return undefined
    }
  }
  if (field === 0 || field >= widths.length) return undefined
  for (; field < widths.length; field++) {
    joined = (joined << (widths[field] ?? 0)) | value
    value = 0
  }
  return joined >>> 0
}

/** The digit's value, or one that fits no field. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : NO_DIGIT
}

const NO_DIGIT = 0x10000
