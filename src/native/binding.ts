import { addon, NEW_NAMESPACE, type Step } from './addon.js'
import { HeldName } from './held-name.js'
import { NativeSocket } from './native-socket.js'
import { ProcessEnds } from './process-ends.js'
import { reopen } from './reopen.js'
import { bind, connect, openSocket, setSocketOption } from './system-calls.js'

export type { OnEvent } from './addon.js'
export type { HeldName, Holder } from './held-name.js'
export type { ProcessEnds } from './process-ends.js'
export type { NativeSocket } from './native-socket.js'

/** What the layers above use of the addon: netlink sockets, names that are held, and what happens inside network namespaces. */
export interface NativeBinding {
  /**
   * Makes a socket of any kind inside `netns`, a file descriptor, or -1 for the caller's: not blocking, closed by `exec`. It
   * belongs to what is returned, whose `release()` gives its file descriptor away.
   */
  openSocket: typeof openSocket
  bind: typeof bind
  connect: typeof connect
  setSocketOption: typeof setSocketOption
  Socket: typeof NativeSocket
  HeldName: typeof HeldName
  ProcessEnds: typeof ProcessEnds

  /**
   * Makes a network namespace and calls `done` with a file descriptor of it, which the receiver closes with
   * `node:fs`. With `path`, an existing file, the namespace is bind-mounted there too. Needs CAP_SYS_ADMIN. Can wait
   * for the RTNL lock.
   */
  unshareNetworkNamespace: (path: string | undefined, done: (error: Error | null, fd: number) => void) => void

  /** `mount(2)` without file system type and data: with `MS_BIND`, `source` may be `/proc/self/fd/<fd>`. */
  mount: (source: string, target: string, flags: number, done: (error: Error | null) => void) => void

  /** `umount2(2)` with `MNT_DETACH`. */
  unmount: (target: string, done: (error: Error | null) => void) => void

  /**
   * Reads each file (value `null`) or writes a value into it with one `write(2)`, in order, on one thread inside
   * `netns`. `/proc/sys/net` shows the namespace of the thread that opens it; so does `/proc/thread-self/net`, but not
   * `/proc/net`. `results` has per entry the content as read, the value as written, or the error; a failure of one does
   * not stop the others. `error` is there only if the namespace cannot be entered.
   */
  files: (
    netns: number,
    entries: readonly (readonly [path: string, value: string | null])[],
    done: (error: Error | null, results: (string | Error)[]) => void,
  ) => void
}

let made: NativeBinding | undefined

/**
 * The native half of the package, loaded at the first call.
 *
 * @throws an error with code `ERR_UNSUPPORTED_PLATFORM` off Linux
 */
export function binding(): NativeBinding {
  if (made) return made
  addon()
  return (made = {
    openSocket,
    bind,
    connect,
    setSocketOption,
    files,
    mount,
    unmount,
    unshareNetworkNamespace,
    Socket: NativeSocket,
    HeldName,
    ProcessEnds,
  })
}

/** linux/mount.h */
const MS_BIND = 0x1000

const files: NativeBinding['files'] = (netns, entries, done) => {
  const steps = entries.map(([path, value]): Step =>
    value === null ? ['read', path, ''] : ['write', path, value],
  )
  addon().run(netns, steps, done)
}

const mount: NativeBinding['mount'] = (source, target, flags, done) => {
  single(['mount', target, source, flags], done)
}

const unmount: NativeBinding['unmount'] = (target, done) => {
  single(['unmount', target, ''], done)
}

const single = (step: Step, done: (error: Error | null) => void): void => {
  addon().run(-1, [step], (_, results) => {
    done(errorAmong(results))
  })
}

const errorAmong = (results: (string | Error)[]): Error | null =>
  results.find(result => result instanceof Error) ?? null

const unshareNetworkNamespace: NativeBinding['unshareNetworkNamespace'] = (path, done) => {
  const steps: Step[] = path === undefined ? [] : [['mount', path, '/proc/thread-self/ns/net', MS_BIND]]
  addon().run(NEW_NAMESPACE, steps, (notMade, results, fd) => {
    let error = notMade ?? errorAmong(results)
    let own = -1
    try {
      if (!error) own = reopen(fd)
    } catch (failure) {
      error = failure as Error
    }
    done(error, own)
  })
}
