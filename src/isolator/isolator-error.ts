/**
 * What went wrong, for programs. Match on this, never on the message.
 */
export type IsolatorErrorCode =
  /** An option or argument is malformed or out of bounds. Correct the call; the message names the value. */
  | 'ERR_INVALID_OPTION'
  /**
   * Two sets of ports that must be disjoint are not: the managed ports among themselves, with the well-known ports or
   * with the host's own ephemeral range, or a container's ports with another container's. Choose other ports, or run
   * the sysctl line in the message.
   */
  | 'ERR_PORTS_OVERLAP'
  /** A container asks for ports outside of the isolator's `ports`. Ask for others, or create the isolator with more. */
  | 'ERR_PORTS_UNMANAGED'
  /** A socket of the host is bound to one of the ports. Stop that process or choose other ports. */
  | 'ERR_PORTS_IN_USE'
  /** No ephemeral ports or no slot is left. Clean a container up, or widen `ephemeralPorts`. */
  | 'ERR_PORTS_EXHAUSTED'
  /** The id or the network namespace is isolated already. Clean it up first, or `update()` it. */
  | 'ERR_CONTAINER_EXISTS'
  /** No container has this id. Those of an earlier run of the program are known once `recover()` has found them. */
  | 'ERR_CONTAINER_UNKNOWN'
  /**
   * This process may not do what an isolator does: a capability, a file that is to be writable or a system call.
   * `details.missing` names them, the message says what each is needed for. Nothing was touched.
   */
  | 'ERR_NOT_PERMITTED'
  /** The kernel lacks something the layout needs; `details` and `probe()` tell what. Load the module or use a newer kernel. */
  | 'ERR_KERNEL_UNSUPPORTED'
  /**
   * Something that the isolator did not make stands where its own objects belong: a filter, a table, a qdisc, a link.
   * It is never overwritten; remove it, or use another interface.
   */
  | 'ERR_FOREIGN_STATE'
  /**
   * What was asked inside a container's network namespace was refused, or not answered within a second: its root can have
   * changed anything there. `details.id` names the container, `cause` says why. Everybody else's is not affected.
   */
  | 'ERR_INSIDE_CONTAINER'
  /**
   * Containers could not be removed from the host; `details.ids` names them, `cause` says why of the first. They stay known,
   * and their removal is tried again. Others of the same call are gone.
   */
  | 'ERR_NOT_REMOVED'
  /**
   * A call failed, and so did taking back what it had done: `details.left` lists what stayed, `cause` is why the call failed.
   * `recover()` of a new isolator removes it, or `verify()` and `repair()`.
   */
  | 'ERR_NOT_UNDONE'
  /**
   * No file descriptor is left: `details.limit` is `'RLIMIT_NOFILE'`, of this process, or `'fs.file-max'`, of the machine. Raise it,
   * and call again. Nothing is half done.
   */
  | 'ERR_NO_DESCRIPTORS'
  /** Another `create()`, `destroy()` or `remove()` on the same host does not end. See which process holds the name in the message. */
  | 'ERR_HOST_BUSY'
  /** The isolator is closed, or being destroyed. Create another; containers that were not cleaned up are still there. */
  | 'ERR_ISOLATOR_CLOSED'

/** What an {@link IsolatorError} carries besides its code and message. */
export interface IsolatorErrorOptions {
  /** The values the message speaks of, for programs: which ports, which option. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The error that led to this one, for example a NetlinkError. */
  readonly cause?: unknown
}

/**
 * The error of every refused or failed isolator call. The kernel is as it was before the call, but for ERR_NOT_UNDONE.
 *
 * @example
 * try {
 *   await isolator.isolate('web-1', { netns: pid, ports: '31000-31007' })
 * } catch (error) {
 *   if (error instanceof IsolatorError && error.code === 'ERR_PORTS_IN_USE') retryElsewhere(error.details)
 *   else throw error
 * }
 */
export class IsolatorError extends Error {
  override readonly name = 'IsolatorError'
  readonly code: IsolatorErrorCode
  /** The values the message speaks of, for programs. Empty when there are none. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: IsolatorErrorCode, message: string, { details = {}, cause }: IsolatorErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** The error of a call that comes too late. */
export const closedError = (message = 'the isolator is closed'): IsolatorError =>
  new IsolatorError('ERR_ISOLATOR_CLOSED', message)
