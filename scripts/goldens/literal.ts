const WIDTH = 110

/** A decoded value as TypeScript, for a file that imports `hex` of golden.ts. */
export function literal(value: unknown, indent = ''): string {
  if (value instanceof Uint8Array) return bytesLiteral(value, indent)
  if (Array.isArray(value))
    return bracketed(
      '[',
      value.map(item => literal(item, `${indent}  `)),
      ']',
      indent,
    )
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, item]) => `${keyLiteral(key)}: ${literal(item, `${indent}  `)}`,
    )
    return bracketed('{', members, '}', indent)
  }
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'string' ? quoted(value) : String(value)
}

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

const keyLiteral = (key: string): string => (/^[a-z_$][\w$]*$/i.test(key) ? key : quoted(key))

/** Hex in a template, 48 bytes to a line. */
export function hexLines(bytes: Uint8Array, indent: string): string {
  const digits = Buffer.from(bytes).toString('hex')
  if (digits.length <= 96) return digits
  return `\n${indent}  ${digits.replace(/.{96}(?!$)/g, `$&\n${indent}  `)}`
}

const bytesLiteral = (bytes: Uint8Array, indent: string): string =>
  bytes.length <= 32 ? `hex('${Buffer.from(bytes).toString('hex')}')` : `hex(\`${hexLines(bytes, indent)}\`)`

function bracketed(open: string, items: string[], close: string, indent: string): string {
  if (items.length === 0) return open + close
  const space = open === '{' ? ' ' : ''
  const line = `${open}${space}${items.join(', ')}${space}${close}`
  if (!line.includes('\n') && indent.length + line.length < WIDTH - 20) return line
  return `${open}\n${items.map(item => `${indent}  ${item},\n`).join('')}${indent}${close}`
}
