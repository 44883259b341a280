import { closeSync, fstatSync, openSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { binding } from '../native/binding.js'
import { attach, detach, makeHandleFile, namedPath, prepareRunDirectory } from './named.js'
import { sysctlPath } from './sysctl-path.js'

/** A network namespace: an open one, the path of a handle, the name of one in /run/netns, or the pid of a process in it. */
export type NetnsReference = NetworkNamespace | string | number

/**
 * An open network namespace. It keeps the namespace alive until `close()`. Everything done inside it (opening sockets,
 * reading sysctls) happens on a short-lived thread of its own; the calling thread never changes its namespace.
 */
export class NetworkNamespace implements AsyncDisposable {
  /** The name in /run/netns, where it was created or opened by name. */
  readonly name: string | undefined
  #fd: number

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
    await makeHandleFile(path)
    try {
      return new NetworkNamespace(await unshare(path), name)
    } catch (error) {
      await unlink(path)
      throw error
    }
  }

  /**
   * Opens a namespace that exists: by path (anything with a slash), by name in /run/netns, or by the pid of a process
   * in it. Throws `ENOENT` where there is none, `EACCES` where the process belongs to somebody else.
   */
  static open(reference: string | number): NetworkNamespace {
    if (typeof reference === 'number') {
      if (!Number.isSafeInteger(reference) || reference < 1) throw new RangeError(`${reference} is not a pid`)
      return new NetworkNamespace(openSync(`/proc/${reference}/ns/net`, 'r'), undefined)
    }
    if (reference.includes('/')) return new NetworkNamespace(openSync(reference, 'r'), undefined)
    return new NetworkNamespace(openSync(namedPath(reference), 'r'), reference)
  }

  /** The namespace of the calling process. */
  static current(): NetworkNamespace {
    return NetworkNamespace.open('/proc/self/ns/net')
  }

  /** A file descriptor of the namespace, valid until `close()`. Throws once closed. */
  get fd(): number {
    if (this.#fd < 0) throw new Error('the network namespace is closed')
    return this.#fd
  }

  get closed(): boolean {
    return this.#fd < 0
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
    return new Promise((resolve, reject) => {
      binding().files(this.fd, entries, (error, results) => {
        if (error) reject(error)
        else resolve(results)
      })
    })
  }

  /** Gives it a name in /run/netns, as `ip netns attach`; the name holds it until `NetworkNamespace.deleteName`. */
  async attach(name: string): Promise<void> {
    await attach(this.fd, name)
  }

  /** Takes a name out of /run/netns, as `ip netns delete`. Throws `ENOENT` where there is none. */
  static async deleteName(name: string): Promise<void> {
    await detach(name)
  }

  /** Closes the file descriptor. A namespace without a name and without processes ends then. */
  close(): void {
    if (this.#fd < 0) return
    closeSync(this.#fd)
    this.#fd = -1
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
}

/** Calls `use` with the namespace, which is closed afterwards where it was opened for the purpose. */
export async function withNamespace<T>(
  reference: NetnsReference,
  use: (netns: NetworkNamespace) => T | Promise<T>,
): Promise<T> {
  if (reference instanceof NetworkNamespace) return use(reference)
  const opened = NetworkNamespace.open(reference)
  try {
    return await use(opened)
  } finally {
    opened.close()
  }
}

const unshare = (path: string | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    binding().unshareNetworkNamespace(path, (error, fd) => {
      if (error) reject(error)
      else resolve(fd)
    })
  })
