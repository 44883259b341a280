/**
 * Bytes that are not a well-formed message. `path` names the attribute they were found in, outermost first, for
 * example `RTM_NEWQDISC.TCA_OPTIONS.TCA_HTB_INIT`.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly code = 'ERR_NETLINK_DECODE'
  readonly path: string
  readonly #reason: string

  constructor(reason: string, path = '') {
    super(path === '' ? reason : `${path}: ${reason}`)
    this.path = path
    this.#reason = reason
  }

  /** The same error, found inside `name`. */
  within(name: string): DecodeError {
    return new DecodeError(this.#reason, this.path === '' ? name : `${name}.${this.path}`)
  }
}

/** What to throw where reading `name` failed with `error`: a DecodeError with the name added to its path. */
export const within = (name: string, error: unknown): unknown =>
  name !== '' && error instanceof DecodeError ? error.within(name) : error

/** Runs `decode`, and adds `name` to the path of a DecodeError that it throws. */
export function decodeWithin<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw within(name, error)
  }
}
