/**
 * Writes JSON in which a bigint is a plain number of all its digits, as 64-bit counters are written elsewhere; apart
 * from that as `JSON.stringify` does.
 */
export function exactJson(value: unknown): string {
  return written(value) ?? 'null'
}

/** Undefined for what JSON leaves out. */
function written(value: unknown): string | undefined {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (hasToJson(value)) return written(value.toJSON())
  if (Array.isArray(value)) return `[${value.map(exactJson).join(',')}]`
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = written(member)
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]
  })
  return `{${members.join(',')}}`
}

const hasToJson = (value: object): value is { toJSON: () => unknown } =>
  typeof (value as { toJSON?: unknown }).toJSON === 'function'
