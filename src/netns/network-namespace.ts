import { closeSync, fstatSync, openSync, promises, statfsSync } from 'node:fs'
import { binding } from '../native/binding.js'
import { completed } from './completed.js'
import { openInetSocket, type InetSocketOptions } from './inet-socket.js'
import { attach, detach, makeHandleFile, namedPath, prepareRunDirectory } from './named.js'
import { sysctlPath } from './sysctl-path.js'

/** A network namespace: an open one, the path of a handle, the name of one in /run/netns, or the pid of a process in it. */
export type NetnsReference = NetworkNamespace | string | number

/** linux/magic.h */
const NSFS_MAGIC = 0x6e73_6673

/**
 * An open network namespace. It keeps the namespace alive until `close()`. Everything done inside it (opening sockets,
 * reading sysctls) happens on a short-lived thread of its own; the calling thread never changes its namespace.
 */
export class NetworkNamespace implements AsyncDisposable {
  /** The name in /run/netns, where it was created or opened by name. */
  readonly name: string | undefined
  readonly #fd: number
  #uses = 0
  #closed = false

  private constructor(fd: number, name: string | undefined) {
    this.#fd = fd
    this.name = name
  }

  /**
   * Makes a new namespace, with `name` one that `ip netns` knows. Needs CAP_SYS_ADMIN.
   * Throws SystemError: `EEXIST` where the name is taken, `EPERM` without the privilege.
   */
  static async create(name?: string): Promise<NetworkNamespace> {
    if (name === undefined) return new NetworkNamespace(await unshare(undefined), undefined)
    const path = namedPath(name)
    await prepareRunDirectory()
    makeHandleFile(path)
    try {
      return new NetworkNamespace(await unshare(path), name)
    } catch (error) {
      await promises.unlink(path)
      throw error
    }
  }

  /**
   * Opens a namespace that exists: by path (anything with a slash), by name in /run/netns, or by the pid of a process
   * in it. Throws `ENOENT` where there is none, `EACCES` where the process belongs to somebody else, TypeError for a
   * file that is no namespace, as a handle in /run/netns that was left behind.
   */
  static open(reference: string | number): NetworkNamespace {
    if (typeof reference === 'number') {
      if (!Number.isSafeInteger(reference) || reference < 1) throw new RangeError(`${reference} is not a pid`)
      return new NetworkNamespace(openHandle(`/proc/${reference}/ns/net`), undefined)
    }
    if (reference.includes('/')) return new NetworkNamespace(openHandle(reference), undefined)
    return new NetworkNamespace(openHandle(namedPath(reference)), reference)
  }

  /** Opens what a reference says: of a namespace that is open already, a second handle, so that either may be closed first. */
  static resolve(reference: NetnsReference): NetworkNamespace {
    if (!(reference instanceof NetworkNamespace)) return NetworkNamespace.open(reference)
    return new NetworkNamespace(openSync(`/proc/self/fd/${reference.fd}`, 'r'), reference.name)
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
  accessFiles(
    entries: readonly (readonly [path: string, value: string | null])[],
  ): Promise<(string | Error)[]> {
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
    return openInetSocket(this.fd, options)
  }

  /** Gives it a name in /run/netns, as `ip netns attach`; the name holds it until `NetworkNamespace.deleteName`. */
  async attach(name: string): Promise<void> {
    await this.#using(fd => attach(fd, name))
  }

  /** Takes a name out of /run/netns, as `ip netns delete`. Throws `ENOENT` where there is none. */
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
    if (this.name !== undefined) await detach(this.name)
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
  if (typeof reference === 'number') return `/proc/${reference}/ns/net`
  if (typeof reference === 'string') return reference.includes('/') ? reference : namedPath(reference)
  return reference.name === undefined ? `/proc/${process.pid}/fd/${reference.fd}` : namedPath(reference.name)
}

function openHandle(path: string): number {
  const fd = openSync(path, 'r')
  if (statfsSync(`/proc/self/fd/${fd}`).type === NSFS_MAGIC) return fd
  closeSync(fd)
  throw new TypeError(`'${path}' is not a network namespace`)
}

const unshare = (path: string | undefined): Promise<number> =>
  completed(done => {
    binding().unshareNetworkNamespace(path, done)
  })
