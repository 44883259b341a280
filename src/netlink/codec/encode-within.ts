/**
 * Runs `encode`, and says in the message of a RangeError or TypeError that it throws where the value was: the name of
 * an attribute or of a struct's member. The error as it was first thrown is the `cause`.
 */
export function encodeWithin(name: string, encode: () => void): void {
  try {
    encode()
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error
    const Kind = error instanceof RangeError ? RangeError : TypeError
    throw new Kind(`${name}: ${error.message}`, { cause: error.cause ?? error })
  }
}
