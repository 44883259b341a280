import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { SystemError } from './system-error.js'

/**
 * What the addon exports. It moves bytes and knows no protocol. A failed system call throws, or is handed to
 * `done` as, a {@link SystemError}; `done` is called on the event loop, which it keeps alive until then.
 *
 * Wherever `netns` appears it is the file descriptor of a network namespace, or -1 for the caller's own.
 * Entering another one happens on a thread of its own and needs CAP_SYS_ADMIN, both in the user namespace
 * that owns it and in the caller's.
 */
export interface Addon {
  NetlinkHandle: new (fd: number) => NetlinkHandle

  /**
   * A non-blocking, close-on-exec socket of any kind made inside `netns`, bound to `address` (the bytes of a
   * `struct sockaddr`) if given, and with `backlog` listening (with `SO_REUSEADDR`, as libuv does). Returns
   * its file descriptor, which `node:net` or `node:dgram` can adopt.
   */
  socket: (
    netns: number,
    domain: number,
    type: number,
    protocol: number,
    address?: Uint8Array,
    backlog?: number,
  ) => number
  /** `getsockname(2)`: the bytes of the `struct sockaddr` that the socket is bound to. */
  socketName: (fd: number) => Buffer
  /** `getsockopt(2)` and `setsockopt(2)` for options that are an `int`. */
  getSocketOption: (fd: number, level: number, option: number) => number
  setSocketOption: (fd: number, level: number, option: number, value: number) => void
  /** `ioctl(2)` on a struct that the caller made large enough. Returns 0 or an errno, negative. */
  ioctl: (fd: number, request: number, bytes: Uint8Array) => number

  /**
   * Makes a network namespace and calls `done` with a file descriptor of it that is good during the call.
   * With `path`, an existing file, the namespace is bind-mounted there too. Needs CAP_SYS_ADMIN. Can wait for
   * the RTNL lock.
   */
  unshareNetworkNamespace: (path: string | undefined, done: (error: Error | null, fd: number) => void) => void

  /** `mount(2)` without file system type and data: with `MS_BIND`, `source` may be `/proc/self/fd/<fd>`. */
  mount: (source: string, target: string, flags: number, done: (error: Error | null) => void) => void

  /** `umount2(2)` with `MNT_DETACH`. */
  unmount: (target: string, done: (error: Error | null) => void) => void

  /**
   * Reads each file (value `null`) or writes a value into it with one `write(2)`, in order, on one thread
   * inside `netns`. `/proc/sys/net` shows the namespace of the thread that opens it; so does
   * `/proc/thread-self/net`, but not `/proc/net`. `results` has per entry the content as read, the value as
   * written, or the error; a failure of one does not stop the others. `error` is there only if the namespace
   * cannot be entered.
   */
  files: (
    netns: number,
    entries: readonly (readonly [path: string, value: string | null])[],
    done: (error: Error | null, results: (string | Error)[]) => void,
  ) => void
}

/**
 * Owns the file descriptor of a netlink socket and closes it, at the latest when it is collected. Used either
 * synchronously or, once started, through its I/O thread; NativeSocket sees to the order of calls.
 */
export interface NetlinkHandle {
  /** `onEvent` is kept as a property, so that a cycle through it can be collected. */
  start(onEvent: (...event: [...Parameters<OnEvent>, more: boolean]) => void): void
  send(bytes: Uint8Array, token: number): void
  setPaused(paused: boolean): void
  exchangeSync(bytes: Uint8Array, timeoutMs: number): Buffer
  receiveSync(timeoutMs: number): Buffer
  setReferenced(referenced: boolean): void
  close(): void
}

/**
 * Called on the event loop with what one turn of the I/O thread brought, as positional arguments because it
 * is the hot path.
 *
 * @param chunk the datagrams received, each padded to 4 bytes; the caller's to keep; undefined if none
 * @param token of the request that was sent in this turn, 0 if none
 * @param sendErrno 0, or why that request was not sent (negative)
 * @param receiveErrno 0, or what receiving failed with (negative): after ENOBUFS messages are lost and
 *   reading goes on; after anything else reading has stopped until `resume()`
 * @param truncated a datagram larger than the receive buffer was dropped
 */
export type OnEvent = (
  chunk: Buffer | undefined,
  token: number,
  sendErrno: number,
  receiveErrno: number,
  truncated: boolean,
) => void

class UnsupportedPlatformError extends Error {
  override readonly name: string = 'UnsupportedPlatformError'
  readonly code = 'ERR_UNSUPPORTED_PLATFORM'
}

let loaded: Addon | undefined

/**
 * The addon, loaded at the first call, so that the package can be imported anywhere.
 *
 * @throws an error with code `ERR_UNSUPPORTED_PLATFORM` off Linux
 */
export function addon(): Addon {
  return (loaded ??= load())
}

function load(): Addon {
  if (process.platform !== 'linux') {
    throw new UnsupportedPlatformError(`rtnetlink needs Linux: there is no netlink on ${process.platform}`)
  }
  const require = createRequire(import.meta.url)
  const nodeGypBuild = require('node-gyp-build') as (folder: string) => Addon & {
    setErrorFactory: (factory: (errno: number, syscall: string, path?: string) => Error) => void
  }
  // By the package's own name, because this runs in src/native/ and, bundled, in lib/.
  const packageRoot = dirname(require.resolve('rtnetlink/package.json'))
  const { setErrorFactory, ...exports } = nodeGypBuild(packageRoot)
  setErrorFactory((errno, syscall, path) => new SystemError(errno, syscall, path))
  return exports
}
