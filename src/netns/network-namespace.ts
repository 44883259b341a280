import { closeSync, fstatSync } from 'node:fs'
import { binding } from '../native/binding.js'
import { reopen } from '../native/reopen.js'
import { completed } from './completed.js'
import {
  argument,
  either,
  exactly,
  instanceOf,
  list,
  name,
  optional,
  text,
  tuple,
  whole,
  type Declaration,
} from '../input/index.js'
import { inetSocketInput, openInetSocket, type InetSocketOptions } from './inet-socket.js'
import { attach, detach, makeHandleFile, namedPath, prepareRunDirectory } from './named.js'
import { openNamespace, pathOf } from './reference.js'
import { sysctlPath } from './sysctl-path.js'
import { withRecipe } from './unprivileged.js'

/** A network namespace: an open one, the path of a handle, the name of one in /run/netns, or the pid of a process in it. */
export type NetnsReference = NetworkNamespace | string | number

const byNameOrPid = either(
  name('a path or a name in /run/netns'),
  whole(1, 0x7fff_ffff, 'the pid of a process in it'),
)

/** A network namespace that a caller names. */
export const netnsInput: Declaration<NetnsReference> = either(
  byNameOrPid,
  instanceOf<NetworkNamespace>('an open NetworkNamespace', () => NetworkNamespace as never),
)

const checkName = argument(
  'NetworkNamespace.create',
  'name',
  optional(name('the name of a network namespace')),
)
const checkOpen = argument('NetworkNamespace.open', 'reference', byNameOrPid)
const checkResolve = argument('NetworkNamespace.resolve', 'reference', netnsInput)
const checkEquals = argument(
  'NetworkNamespace.equals',
  'other',
  instanceOf<NetworkNamespace>('an open NetworkNamespace', () => NetworkNamespace as never),
)
const checkEntries = argument(
  'NetworkNamespace.accessFiles',
  'entries',
  list(
    tuple(
      'a pair of a path, and text to write or null to read',
      name('a path'),
      either(text('text to write'), exactly(null)),
    ),
    'a list of pairs, each a path, and text to write or null to read',
  ),
)
const checkSocket = argument('NetworkNamespace.openSocket', 'options', inetSocketInput)

/**
 * An open network namespace. It keeps the namespace alive until `close()`. Everything done inside it (opening sockets,
 * reading sysctls) happens on a short-lived thread of its own; the calling thread never changes its namespace.
 */
export class NetworkNamespace implements AsyncDisposable {
  /** The name in /run/netns, where it was created or opened by name. */
  readonly name: string | undefined
  readonly #openedBy: string | undefined
  readonly #fd: number
  #uses = 0
  #closed = false

  private constructor(fd: number, name: string | undefined, openedBy = name && namedPath(name)) {
    this.#fd = fd
    this.name = name
    this.#openedBy = openedBy
  }

  /**
   * The path that it was opened by, which need not lead to it any more: that of its name, the caller's, or the one of a pid. Undefined
   * where it was made without a name, or the path means something else to every process.
   */
  get openedBy(): string | undefined {
    return this.#openedBy
  }

  /**
   * Makes a new namespace, with `name` one that `ip netns` knows. Needs CAP_SYS_ADMIN; without it, the error says how to
   * start the program in a user namespace. A failed call leaves nothing behind.
   *
   * @throws SystemError `EEXIST` where the name is taken, `EPERM` or `EACCES` without the privilege, `ENOTDIR` where
   *   /run/netns is a file; TypeError for what is no name
   */
  static async create(name?: string): Promise<NetworkNamespace> {
    checkName(name)
    const path = name === undefined ? undefined : namedPath(name)
    try {
      if (path === undefined) return new NetworkNamespace(await unshare(undefined), undefined)
      await prepareRunDirectory()
      makeHandleFile(path)
    } catch (error) {
      throw withRecipe(error)
    }
    try {
      return new NetworkNamespace(await unshare(path), name)
    } catch (error) {
      // It may be mounted already: its file descriptor comes last.
      await detach(name as string).catch(() => undefined)
      throw withRecipe(error)
    }
  }

  /**
   * Opens a namespace that exists: by path (anything with a slash), by name in /run/netns, or by the pid of a process
   * in it, also of one whose main thread has ended. Opens nothing but namespaces, and never waits.
   *
   * @throws SystemError `ENOENT` where there is none, `EACCES` where the process belongs to somebody else (CAP_SYS_PTRACE);
   *   TypeError for what is no reference, and for what is no network namespace: a file, a FIFO, a device, another kind of
   *   namespace, a name in /run/netns that was left behind
   */
  static open(reference: string | number): NetworkNamespace {
    checkOpen(reference)
    const isName = typeof reference === 'string' && !reference.includes('/')
    const path = pathOf(reference)
    const fd = openNamespace(reference)
    return isName
      ? new NetworkNamespace(fd, reference)
      : new NetworkNamespace(fd, undefined, isOfEachProcess(path) ? undefined : path)
  }

  /** Opens what a reference says: of a namespace that is open already, a second handle, so that either may be closed first. */
  static resolve(reference: NetnsReference): NetworkNamespace {
    checkResolve(reference)
    if (!(reference instanceof NetworkNamespace)) return NetworkNamespace.open(reference)
    return new NetworkNamespace(reopen(reference.fd), reference.name, reference.openedBy)
  }

  /** The namespace of the calling process. */
  static current(): NetworkNamespace {
    return NetworkNamespace.open('/proc/self/ns/net')
  }

  /** A file descriptor of the namespace, valid until `close()`. Throws once closed. */
  get fd(): number {
    if (this.#closed) throw new Error('the network namespace is closed')
    return this.#fd
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What tells it from every other namespace alive: device and inode of its handle. */
  get identity(): string {
    const { dev, ino } = fstatSync(this.fd)
    return `${dev}:${ino}`
  }

  /** True where both are the same namespace. */
  equals(other: NetworkNamespace): boolean {
    checkEquals(other)
    return this.identity === other.identity
  }

  /** Reads a sysctl as this namespace has it, without the final newline. Throws SystemError `ENOENT` where it has none. */
  async readSysctl(name: string): Promise<string> {
    const [result] = await this.accessFiles([[sysctlPath(name), null]])
    if (result instanceof Error) throw result
    return (result ?? '').trimEnd()
  }

  /** Writes a sysctl of this namespace. Needs the right to write it; `net.*` belong to the namespace's owner. */
  async writeSysctl(name: string, value: string | number): Promise<void> {
    const [result] = await this.accessFiles([[sysctlPath(name), String(value)]])
    if (result instanceof Error) throw result
  }

  /**
   * Reads (value `null`) and writes files as seen from inside, in order, all on one thread. Gives for each its content
   * or its error. Throws only where the namespace cannot be entered.
   */
  async accessFiles(
    entries: readonly (readonly [path: string, value: string | null])[],
  ): Promise<(string | Error)[]> {
    checkEntries(entries)
    return this.#using(fd =>
      completed(done => {
        binding().files(fd, entries, done)
      }),
    )
  }

  /**
   * Makes a bound TCP or UDP socket inside and gives its file descriptor, for `new net.Socket({ fd })`,
   * `server.listen({ fd })` or `udpSocket.bind({ fd })`. The socket stays inside, and keeps the namespace alive.
   * Throws SystemError (`EADDRINUSE`, …).
   */
  openSocket(options: InetSocketOptions): number {
    checkSocket(options)
    return openInetSocket(this.fd, options)
  }

  /** Gives it a name in /run/netns, as `ip netns attach`; the name holds it until `NetworkNamespace.deleteName`. */
  async attach(name: string): Promise<void> {
    await this.#using(fd => attach(fd, name))
  }

  /**
   * Takes a name out of /run/netns, as `ip netns delete`. Throws SystemError `ENOENT` where there is none, TypeError for a
   * file, directory or FIFO there that never was a namespace: it is left alone.
   */
  static async deleteName(name: string): Promise<void> {
    await detach(name)
  }

  /**
   * Closes the file descriptor, once the calls under way have ended. A namespace without a name and without processes
   * ends then.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeUnused()
  }

  /** Closes it and takes its name out of /run/netns. */
  async delete(): Promise<void> {
    this.close()
    if (this.name !== undefined) await NetworkNamespace.deleteName(this.name)
  }

  /** Closes; a name stays. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  /** Keeps the file descriptor open meanwhile: another file could get its number, and be entered in its place. */
  async #using<T>(use: (fd: number) => Promise<T>): Promise<T> {
    const { fd } = this
    this.#uses++
    try {
      return await use(fd)
    } finally {
      this.#uses--
      this.#closeUnused()
    }
  }

  #closeUnused(): void {
    if (this.#closed && this.#uses === 0) closeSync(this.#fd)
  }
}

/** Where other programs find the namespace that a reference means. */
export function referencePath(reference: NetnsReference): string {
  if (!(reference instanceof NetworkNamespace)) return pathOf(reference)
  return reference.openedBy ?? `/proc/${process.pid}/fd/${reference.fd}`
}

/** proc(5), and what is relative to the working directory. */
const isOfEachProcess = (path: string): boolean =>
  !path.startsWith('/') || /^\/proc\/(thread-)?self\//.test(path)

const unshare = (path: string | undefined): Promise<number> =>
  completed(done => {
    binding().unshareNetworkNamespace(path, done)
  })
