import { DecodeError } from './codec/decode-error.js'
import { errnoName, errnoText } from '../native/errno.js'
import { NETLINK_PRIVILEGE } from '../native/missing-privilege.js'
import { SystemError } from '../native/system-error.js'

const EPERM = -1

/** What is known of a request that the kernel refused. */
export interface NetlinkErrorDetails {
  /** The kernel's answer, negative. */
  errno: number
  /** The kernel's name of the message, `'RTM_NEWTFILTER'`. */
  request: string
  /** The kernel's own words (extended ack), where it gave any. */
  extack?: string | undefined
  /** The attribute the kernel objects to, as a path in the request: `'TCA_OPTIONS.TCA_U32_SEL'`. */
  attribute?: string | undefined
  /** True where `attribute` is one that the request lacks. */
  missing?: boolean | undefined
  /** The `ip` or `tc` command that asks the same. */
  command?: string | undefined
}

/**
 * The kernel refused a request. Match on `code`. Under NLM_F_EXCL `EEXIST` means that the object is there, on delete
 * `ENOENT` or `ENODEV` that it is not; `EPERM` that CAP_NET_ADMIN is missing in the user namespace that owns the
 * network namespace.
 */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError'
  /** The errno's name, `'EEXIST'`. */
  readonly code: string
  readonly errno: number
  readonly request: string
  readonly extack: string | undefined
  readonly attribute: string | undefined
  readonly missing: boolean
  readonly command: string | undefined

  constructor(details: NetlinkErrorDetails) {
    super(sentence(details))
    this.code = errnoName(details.errno)
    this.errno = details.errno
    this.request = details.request
    this.extack = details.extack
    this.attribute = details.attribute
    this.missing = details.missing ?? false
    this.command = details.command
  }
}

/** `RTM_NEWQDISC failed: EINVAL, Invalid qdisc name (at TCA_KIND)`, and the command on a line of its own. */
function sentence({ errno, request, extack, attribute, missing, command }: NetlinkErrorDetails): string {
  const what = extack ?? errnoText(errno)
  const hint = errno === EPERM ? `; ${NETLINK_PRIVILEGE}` : ''
  const where = attribute === undefined ? '' : missing ? ` (${attribute} is missing)` : ` (at ${attribute})`
  const like = command === undefined ? '' : `\n  equivalent command: ${command}`
  return `${request} failed: ${errnoName(errno)}, ${what}${hint}${where}${like}`
}

/** The socket was closed before or while the call ran. What was sent before the close is still carried out. */
export class NetlinkClosedError extends Error {
  override readonly name = 'NetlinkClosedError'
  readonly code = 'ERR_NETLINK_CLOSED'

  constructor() {
    super('the netlink socket is closed')
  }
}

/** A received datagram was larger than the receive buffer; its rest is lost. */
export class NetlinkTruncatedError extends Error {
  override readonly name = 'NetlinkTruncatedError'
  readonly code = 'ERR_NETLINK_TRUNCATED'

  constructor() {
    super('a netlink message was larger than the receive buffer and was cut')
  }
}

/** The kernel dropped answers because the receive buffer was full (ENOBUFS). Whether the requests succeeded is unknown. */
export class NetlinkOverrunError extends Error {
  override readonly name = 'NetlinkOverrunError'
  readonly code = 'ERR_NETLINK_OVERRUN'

  constructor() {
    super('the netlink receive buffer overflowed (ENOBUFS): answers of the kernel were lost')
  }
}

/** The error of a failed `recvfrom`. */
export function receiveFailure(errno: number): NetlinkOverrunError | NetlinkTruncatedError | SystemError {
  switch (errnoName(errno)) {
    case 'ENOBUFS':
      return new NetlinkOverrunError()
    case 'EMSGSIZE':
      return new NetlinkTruncatedError()
    default:
      return new SystemError(errno, 'recvfrom')
  }
}

/** A dump was interrupted by changes more often than it is retried. `partial` holds what the last try gave. */
export class DumpInterruptedError<T = unknown> extends Error {
  override readonly name = 'DumpInterruptedError'
  readonly code = 'ERR_NETLINK_DUMP_INTERRUPTED'
  readonly partial: readonly T[]

  constructor(request: string, attempts: number, partial: readonly T[]) {
    super(`${request}: the tables changed during each of ${attempts} dumps (NLM_F_DUMP_INTR); see partial`)
    this.partial = partial
  }
}

/** A table has more entries than the caller wanted to read. */
export class DumpTooLargeError extends Error {
  override readonly name = 'DumpTooLargeError'
  readonly code = 'ERR_NETLINK_DUMP_TOO_LARGE'

  constructor(request: string, maxMessages: number) {
    super(`${request}: the dump has more than ${maxMessages} messages`)
  }
}

export { DecodeError }
