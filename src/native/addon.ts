import { dirname } from 'node:path'
import { calledFrom, callSite } from './call-site.js'
import { SystemError } from './system-error.js'

/**
 * What the addon exports. It moves bytes and knows no protocol. What fails throws, or is handed to `done` as, a
 * {@link SystemError}, but for `systemCall`; `done` is called on the event loop, which it keeps alive until then.
 *
 * Wherever `netns` appears it is the file descriptor of a network namespace, or -1 for the caller's own.
 * Entering another one happens on a thread of its own and needs CAP_SYS_ADMIN, both in the user namespace
 * that owns it and in the caller's.
 */
export interface Addon {
  DescriptorHandle: new (
    netns: number,
    call: number,
    ...args: readonly (number | Bytes)[]
  ) => DescriptorHandle

  /**
   * A system call that does not wait, by its place in `systemCalls`. Numbers of up to 32 bits are passed as they are,
   * arrays by address: the caller makes them as large as the kernel takes them to be. Returns what the kernel does: a
   * result, or an errno, negative.
   */
  systemCall: (call: number, ...args: readonly (number | Bytes)[]) => number
  /**
   * Sends `bytes`, if any, by a netlink socket that is not started, then waits for one datagram and puts it, padded to 4
   * bytes, into `room` of DATAGRAM_SIZE. Returns its length. It takes the file descriptor, because Node finds that three
   * times as fast as the object behind a DescriptorHandle.
   */
  exchangeSync: (socket: number, bytes: Uint8Array | undefined, room: Uint8Array, timeoutMs: number) => number
  /** The system calls that can be made. */
  systemCalls: readonly SystemCallName[]

  /**
   * Carries out steps, in order, on one thread of its own inside `netns`, which for NEW_NAMESPACE is made first.
   * `results` has one entry for each: the content that was read, the error, or any text. A failure of one does
   * not stop the others. `error` is there only if the namespace cannot be made or entered; nothing is done then.
   * `made` is a file descriptor of a new namespace that is good during the call, else -1.
   */
  run: (netns: number, steps: readonly Step[], done: JobDone) => void

  /**
   * Closes what a handle owns, and calls `done` when that is closed: of a started socket its I/O thread closes it. That does
   * not keep the event loop alive.
   */
  close: (handle: DescriptorHandle, done: () => void) => void

  /** Keeps the event loop alive until it is released as often. `done` of `run` does so by itself. */
  hold: () => void
  release: () => void
}

/** An array whose address is passed. */
export type Bytes = Uint8Array | Int32Array | Uint32Array

/** What system-calls.ts calls. */
export type SystemCallName =
  | 'accept4'
  | 'bind'
  | 'connect'
  | 'epoll_create1'
  | 'epoll_ctl'
  | 'getsockopt'
  | 'ioctl'
  | 'listen'
  | 'pidfd_open'
  /** With a unix socket and a file descriptor: hands that over to the other end. */
  | 'sendmsg'
  /** With a unix socket: takes the file descriptor that was handed over, ECONNRESET where the other end has gone. */
  | 'recvmsg'
  | 'setsockopt'
  | 'socket'

type JobDone = (error: Error | null, results: (string | Error)[], made: number) => void

/** The `netns` of `run` for a namespace that is made. Needs CAP_SYS_ADMIN, and can wait for the RTNL lock. */
export const NEW_NAMESPACE = -2

/**
 * What a thread does:
 * - `read` a file, of a sysctl the whole value, however long;
 * - `write` a value into one. A sysctl takes a value or leaves it: if the kernel takes its beginning only, that is EINVAL,
 *   and the old value is put back. A list of ports that is longer than a page goes out in several writes;
 * - `mount(2)` a source on a target without file system type and data;
 * - `umount2(2)` with `MNT_DETACH` and `UMOUNT_NOFOLLOW`: of a symbolic link, EINVAL.
 */
export type Step =
  | readonly ['read', path: string, nothing: '']
  | readonly ['write', path: string, value: string]
  | readonly ['mount', target: string, source: string, flags: number]
  | readonly ['unmount', target: string, nothing: '']

/**
 * Owns a file descriptor and closes it, at the latest when it is collected or the worker thread ends. The constructor
 * makes it, by a system call inside `netns`. A socket is used either synchronously or, once started, through its I/O
 * thread; NativeSocket sees to the order of calls.
 */
export interface DescriptorHandle {
  /** -1 once closed or started. */
  readonly fd: number
  /** Gives the file descriptor up to the caller, who closes it. */
  release(): number
  /** Called from `start` on. A property, so that a cycle through it can be collected. */
  onEvent: (...event: [...Parameters<OnEvent>, more: boolean]) => void
  start(): void
  send(bytes: Uint8Array, token: number): void
  setPaused(paused: boolean): void
  /** Of a started socket, the job of this number is done once its I/O thread has closed the file descriptor; else it is closed already. */
  close(job?: number): void
}

/** Room for the largest datagram. */
export const DATAGRAM_SIZE = 256 * 1024

/**
 * Called on the event loop with what one turn of the I/O thread brought, as positional arguments because it
 * is the hot path.
 *
 * @param chunk the datagrams received, each padded to 4 bytes; the caller's to keep; undefined if none
 * @param token of the request that was sent in this turn, 0 if none
 * @param sendErrno 0, or why that request was not sent (negative)
 * @param receiveErrno 0, or what receiving failed with (negative): after ENOBUFS messages are lost, after EMSGSIZE
 *   one that was larger than the receive buffer, and reading goes on; after anything else it has stopped until `resume()`
 */
export type OnEvent = (
  chunk: Buffer | undefined,
  token: number,
  sendErrno: number,
  receiveErrno: number,
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

/** What the addon exports that is wrapped here. */
interface Exports extends Omit<Addon, 'run' | 'close' | 'hold' | 'release'> {
  initialize: (
    makeError: (errno: number, syscall: string) => SystemError,
    onJobDone: (job: number, ...outcome: Parameters<JobDone>) => void,
  ) => void
  run: (netns: number, steps: readonly Step[], job: number) => void
  /** Whether the event loop waits for events and jobs. */
  keepAlive: (alive: boolean) => void
}

function load(): Addon {
  if (process.platform !== 'linux') {
    throw new UnsupportedPlatformError(`rtnetlink needs Linux: there is no netlink on ${process.platform}`)
  }
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)
  const nodeGypBuild = require('node-gyp-build') as (folder: string) => Exports
  // By the package's own name, because this runs in src/native/ and, bundled, in lib/.
  const packageRoot = dirname(require.resolve('rtnetlink/package.json'))
  const { initialize, run, keepAlive, ...exports } = nodeGypBuild(packageRoot)
  let holds = 0
  const hold = (): void => {
    if (holds++ === 0) keepAlive(true)
  }
  const release = (): void => {
    if (--holds === 0) keepAlive(false)
  }
  const jobs = new Map<number, JobDone>()
  let lastJob = 0
  initialize(
    (errno, syscall) => new SystemError(errno, syscall),
    (job, ...outcome) => {
      const done = jobs.get(job)
      jobs.delete(job)
      done?.(...outcome)
    },
  )
  return {
    ...exports,
    hold,
    release,
    run: function runSteps(netns, steps, done) {
      run(netns, steps, ++lastJob)
      // Behind it: the thread wakes up while this goes on.
      const site = callSite(runSteps)
      jobs.set(lastJob, (error, results, made) => {
        release()
        done(
          calledFrom(error, site),
          results.map((result, i) => calledFrom(withPath(result, steps[i]), site)),
          made,
        )
      })
      hold()
    },
    close(handle, done) {
      // That of a started socket is its thread's.
      if (handle.fd < 0) {
        jobs.set(++lastJob, done)
        handle.close(lastJob)
      } else {
        handle.close()
        done()
      }
    },
  }
}

/** An error names the file that the step was about. */
const withPath = (result: string | Error, step: Step | undefined): string | Error =>
  result instanceof SystemError ? new SystemError(result.errno, result.syscall, step?.[1]) : result
