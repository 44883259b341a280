/**
 * What to throw where encoding `name`, an attribute or a member of a struct, failed with `error`: of a RangeError or
 * TypeError, one whose message begins with the name. The error as it was first thrown is the `cause`.
 */
export function encodeError(name: string, error: unknown): unknown {
  if (name === '' || !(error instanceof RangeError || error instanceof TypeError)) return error
  const Kind = error instanceof RangeError ? RangeError : TypeError
  return new Kind(`${name}: ${error.message}`, { cause: error.cause ?? error })
}
