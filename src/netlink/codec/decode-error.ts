/**
 * Bytes that are not a well-formed message. `path` names the attribute they were found in, outermost first, for
 * example `RTM_NEWQDISC.TCA_OPTIONS.TCA_HTB_INIT`.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly code = 'ERR_NETLINK_DECODE'
  readonly #reason: string
  #path: string[] = []

  constructor(reason: string) {
    super(reason)
    this.#reason = reason
  }

  get path(): string {
    return this.#path.join('.')
  }

  /** Notes that the error happened inside `name`, and returns itself to be thrown on. */
  within(name: string): this {
    this.#path.unshift(name)
    this.message = `${this.path}: ${this.#reason}`
    return this
  }
}

/** Runs `decode`, and adds `name` to the path of a DecodeError that it throws. */
export function decodeWithin<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw error instanceof DecodeError ? error.within(name) : error
  }
}
