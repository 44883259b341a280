import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SystemError } from './system-error.js'

/**
 * What the addon exports. It moves bytes and knows no protocol. A failed system call throws, or is handed to
 * `done` as, a {@link SystemError}; `done` is called on the event loop, which it keeps alive until then.
 *
 * Wherever `netns` appears it is the file descriptor of a network namespace, or -1 for the caller's own. Entering
 * another one happens on a thread of its own and needs CAP_SYS_ADMIN in the user namespace that owns it.
 */
export interface NativeBinding {
  /**
   * Opens an AF_NETLINK socket of `protocol` (`NETLINK_ROUTE` is 0), close-on-exec and bound to a port id that the
   * kernel chooses, with `NETLINK_EXT_ACK`, `NETLINK_CAP_ACK` and `NETLINK_GET_STRICT_CHK` set where known.
   */
  Socket: new (protocol: number, netns: number) => NativeSocket

  /**
   * Makes a network namespace and hands over a file descriptor of it, which the receiver closes. With `path`, an
   * existing file, the namespace is bind-mounted there too. Needs CAP_SYS_ADMIN. Can wait for the RTNL lock.
   */
  unshareNetworkNamespace(path: string | undefined, done: (error: Error | null, fd: number) => void): void

  /** `mount(2)` without file system type and data: with `MS_BIND`, `source` may be `/proc/self/fd/<fd>`. */
  mount(source: string, target: string, flags: number, done: (error: Error | null) => void): void

  /** `umount2(2)` with `MNT_DETACH`. */
  unmount(target: string, done: (error: Error | null) => void): void

  /**
   * Reads each file (value `null`) or writes a value into it with one `write(2)`, in order, on one thread inside
   * `netns`. `/proc/sys/net` shows the namespace of the thread that opens it; so does `/proc/thread-self/net`, but
   * not `/proc/net`. `results` has per entry the content as read, the value as written, or the error; a failure of
   * one does not stop the others.
   */
  files(
    netns: number,
    entries: readonly (readonly [path: string, value: string | null])[],
    done: (error: Error | null, results: (string | Error)[]) => void,
  ): void

  /**
   * A non-blocking, close-on-exec socket of any kind made inside `netns`, bound to `address` (the bytes of a
   * `struct sockaddr`) if given, and with `backlog` listening (`SO_REUSEADDR` set, as libuv does). Returns its file
   * descriptor, for `node:net` or `node:dgram` to adopt.
   */
  socket(
    netns: number,
    domain: number,
    type: number,
    protocol: number,
    address?: Uint8Array,
    backlog?: number,
  ): number
}

/**
 * Called on the event loop with what one turn of the I/O thread brought, as positional arguments because it is the
 * hot path.
 *
 * @param chunk the datagrams received, each padded to 4 bytes; the caller's to keep; undefined if none
 * @param token of the request that was sent in this turn, 0 if none
 * @param sendErrno 0, or why that request was not sent (negative)
 * @param receiveErrno 0, or what receiving failed with (negative): after ENOBUFS messages are lost and reading goes
 *   on; after anything else reading has stopped
 * @param truncated a datagram larger than the receive buffer was dropped
 */
export type OnEvent = (
  chunk: Buffer | undefined,
  token: number,
  sendErrno: number,
  receiveErrno: number,
  truncated: boolean,
) => void

/**
 * One netlink socket. It is used either synchronously or, once {@link start}ed, through its own I/O thread. Datagrams
 * that do not come from the kernel are dropped. Every method but `close`, `ref` and `unref` throws EBADF once it is
 * closed. An idle socket that nothing refers to is closed when it is collected; idle means: not `ref`ed, no request
 * under way, no group joined.
 */
export interface NativeSocket {
  /** The file descriptor, -1 once closed. It belongs to this object. */
  readonly fd: number
  /** The port id (`nl_pid`) that the kernel assigned. */
  readonly portId: number
  /** The socket options of `SOL_NETLINK` that this kernel is too old for: `['NETLINK_GET_STRICT_CHK']`. */
  readonly refusedOptions: readonly string[]

  /**
   * Sets the receive buffer (`SO_RCVBUFFORCE`; without CAP_NET_ADMIN in the initial user namespace `SO_RCVBUF`, which
   * `net.core.rmem_max` limits) and returns its size in the kernel's count, which is twice the bytes asked for.
   */
  setReceiveBuffer(bytes: number): number
  /** The same for the send buffer, which bounds the size of one {@link send}. */
  setSendBuffer(bytes: number): number
  /** Joins a multicast group, by number (not by mask). */
  join(group: number): void
  leave(group: number): void

  /**
   * The index of an interface of the socket's namespace, 0 if there is none of that name. Takes no lock
   * (`SIOCGIFINDEX`), but asking for a name that does not exist makes the kernel look for a module `netdev-<name>`
   * if the caller may load modules.
   */
  interfaceIndex(name: string): number
  /** The name of an interface of the socket's namespace (`SIOCGIFNAME`). */
  interfaceName(index: number): string | undefined

  /** Starts the I/O thread, after which only {@link send} sends. The loop is not kept alive: see {@link ref}. */
  start(onEvent: OnEvent): void
  /**
   * Copies and queues `bytes`. The I/O thread sends them, which runs the request in the kernel, reads until nothing
   * is left (or 1 MiB is full, or 8 MiB wait for the event loop) and reports all of it in one event with `token`,
   * a positive integer.
   */
  send(bytes: Uint8Array, token: number): void
  /** Stops reading: messages stay in the kernel's queue until it overflows. Requests are still sent. */
  pause(): void
  resume(): void

  /**
   * Sends `bytes` and waits for what comes back: all datagrams that are there once the first one is. Blocks the
   * thread. Throws ETIMEDOUT if nothing comes within `timeoutMs` after the request was run.
   */
  exchangeSync(bytes: Uint8Array, timeoutMs: number): Buffer
  /** Waits for more of the same, up to `timeoutMs`. */
  receiveSync(timeoutMs: number): Buffer

  /** Keeps the event loop alive, until {@link unref}. A socket starts without. */
  ref(): void
  unref(): void
  /**
   * Closes the socket; no event is reported any more. A request that the kernel is running is not interrupted: the
   * thread closes the file descriptor when it is done. `done` is called when it is closed.
   */
  close(done?: () => void): void
}

/** Thrown where there is no netlink. */
class UnsupportedPlatformError extends Error {
  override readonly name: string = 'UnsupportedPlatformError'
  readonly code = 'ERR_UNSUPPORTED_PLATFORM'
}

type Addon = NativeBinding & {
  /** How the addon makes the errors it throws in this environment. */
  setErrorFactory(factory: (errno: number, syscall: string, path?: string) => Error): void
}

let loaded: NativeBinding | undefined

/**
 * The addon, loaded at the first call, so that the package can be imported anywhere.
 *
 * @throws an error with code `ERR_UNSUPPORTED_PLATFORM` off Linux
 */
export function binding(): NativeBinding {
  return (loaded ??= load())
}

function load(): NativeBinding {
  if (process.platform !== 'linux') {
    throw new UnsupportedPlatformError(`rtnetlink needs Linux: there is no netlink on ${process.platform}`)
  }
  const loadAddon = createRequire(import.meta.url)('node-gyp-build') as (packageRoot: string) => Addon
  const addon = loadAddon(fileURLToPath(new URL('../..', import.meta.url)))
  addon.setErrorFactory((errno, syscall, path) => new SystemError(errno, syscall, path))
  return addon
}
