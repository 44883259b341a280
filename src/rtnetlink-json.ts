/** What JSON has no form of, under names that no listed object has. */
const BIGINT = '$bigint'
const BYTES = '$bytes'
const NUMBER = '$number'

/**
 * For `JSON.stringify(objects, jsonReplacer)`: what `list`, `get` and `snapshot` give, as JSON from which
 * {@link jsonReviver} makes the same again. 64-bit counters become `{ "$bigint": "5" }`, bytes `{ "$bytes": "0a09" }` in
 * hex, and `Infinity`, a lifetime without end, `{ "$number": "Infinity" }`.
 */
export function jsonReplacer(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has turned itself into something else by now.
  const original = (this as Record<string, unknown>)[key]
  if (original instanceof Uint8Array) return { [BYTES]: Buffer.from(original).toString('hex') }
  if (typeof value === 'bigint') return { [BIGINT]: String(value) }
  return value === Infinity ? { [NUMBER]: 'Infinity' } : value
}

/** For `JSON.parse(text, jsonReviver)`: the inverse of {@link jsonReplacer}. What it gives can be added or restored. */
export function jsonReviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [[name, text] = [], second] = Object.entries(value as Record<string, unknown>)
  if (second !== undefined || typeof text !== 'string') return value
  switch (name) {
    case BIGINT:
      return BigInt(text)
    case BYTES:
      return Uint8Array.from(Buffer.from(text, 'hex'))
    case NUMBER:
      return Number(text)
    default:
      return value
  }
}
