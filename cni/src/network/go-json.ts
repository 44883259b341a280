/**
 * JSON as programs in Go write and read it: a value that was never set is `null`, and names are the same in capitals.
 */
import { CniError, CODE } from '../spec/cni-error.js'

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * An object of JSON, without members that are null.
 *
 * @param what the text is, for the error
 * @throws CniError 6
 */
export function readObject(text: string, what = "the network's configuration"): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CniError(CODE.decoding, `${what} is no JSON: ${(error as Error).message}`)
  }
  if (isObject(value)) return withoutNull(value) as JsonObject
  throw new CniError(CODE.decoding, `${what} is no object`)
}

function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNull)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (member === null ? [] : [[name, withoutNull(member)]])),
  )
}

/** The same object, with the names that it has in other capitals written as `names` has them. */
export function withNamesAs(names: Iterable<string>, value: unknown): unknown {
  if (!isObject(value)) return value
  const written = new Map(Array.from(names, name => [name.toLowerCase(), name]))
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [written.get(name.toLowerCase()) ?? name, member]),
  )
}
