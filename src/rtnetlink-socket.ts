import { argument, callback, object, optional, type Declaration, type InputOf } from './input/index.js'
import { openTransport } from './netlink/open-transport.js'
import {
  batchInput,
  dumpInput,
  type BatchOptions,
  type CallOptions,
  type DumpOptions,
} from './netlink/call-options.js'
import { NetlinkSocket } from './netlink/socket.js'
import { NetlinkClosedError } from './netlink/errors.js'
import type { BatchResult } from './netlink/exchange.js'
import { requestsInput, type Message, type Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import { NetworkNamespace, netnsInput } from './netns/network-namespace.js'
import { gather, type RtnetlinkBatch } from './rtnetlink-batch.js'
import { linkStatisticsRequest, RTM_NEWSTATS } from './rtnetlink/link-statistics-messages.js'
import type { LinkStatistics } from './rtnetlink/link-statistics.js'
import { monitorInput, RtnetlinkMonitor, type MonitorOptions } from './rtnetlink-monitor.js'
import { restore, type Restored } from './rtnetlink-restore.js'
import {
  snapshot,
  snapshotInput,
  TABLE_NAMES,
  tableNamesInput,
  type RtnetlinkSnapshot,
  type TableName,
} from './rtnetlink-snapshot.js'
import { rtnetlinkProtocol } from './rtnetlink-protocol.js'
import { tablesOf, type Tables } from './rtnetlink-tables.js'
import type { Executor } from './rtnetlink-verbs.js'

const socketOptions = object({
  /** The network namespace to open the socket in. Default: the caller's. Entering another needs CAP_SYS_ADMIN. */
  netns: optional(netnsInput),
})

export interface RtnetlinkSocketOptions extends InputOf<typeof socketOptions> {}
export const rtnetlinkSocketInput: Declaration<RtnetlinkSocketOptions> = socketOptions

const checkOpen = argument('RtnetlinkSocket.open', 'options', optional(socketOptions))
const checkBuild = argument('RtnetlinkSocket.batch', 'build', callback('a function that gathers the batch'))
const checkBatch = argument('RtnetlinkSocket.batch', 'options', optional(batchInput))
const checkRequests = argument('RtnetlinkSocket.send', 'requests', requestsInput)
const checkSend = argument('RtnetlinkSocket.send', 'options', optional(batchInput))
const checkSnapshot = argument('RtnetlinkSocket.snapshot', 'tables', tableNamesInput)
const checkRestore = argument('RtnetlinkSocket.restore', 'lists', snapshotInput)
const checkStatistics = argument('RtnetlinkSocket.linkStatistics', 'options', optional(dumpInput))
const checkMonitor = argument('RtnetlinkSocket.monitor', 'options', optional(monitorInput))

/**
 * The kernel's network configuration: links, addresses, routes, neighbours, qdiscs, classes and filters, each with the
 * kernel's verbs. Calls run on the socket's own thread; they never block the event loop.
 *
 * Reading needs no privilege, writing CAP_NET_ADMIN in the user namespace that owns the network namespace.
 */
export class RtnetlinkSocket implements AsyncDisposable, Tables<'async'> {
  readonly links: Tables<'async'>['links']
  readonly addresses: Tables<'async'>['addresses']
  readonly routes: Tables<'async'>['routes']
  readonly neighbours: Tables<'async'>['neighbours']
  readonly qdiscs: Tables<'async'>['qdiscs']
  readonly classes: Tables<'async'>['classes']
  readonly filters: Tables<'async'>['filters']
  readonly #netlink: NetlinkSocket
  readonly #netns: NetworkNamespace | undefined
  readonly #monitors = new Set<RtnetlinkMonitor>()

  private constructor(netns: NetworkNamespace | undefined) {
    this.#netns = netns
    this.#netlink = new NetlinkSocket(openTransport(rtnetlinkProtocol.number, netns), rtnetlinkProtocol)
    const tables = tablesOf(executorOf(this.#netlink))
    this.links = tables.links
    this.addresses = tables.addresses
    this.routes = tables.routes
    this.neighbours = tables.neighbours
    this.qdiscs = tables.qdiscs
    this.classes = tables.classes
    this.filters = tables.filters
  }

  /** Opens a socket. Throws SystemError (`EPERM`, `ENOENT`, …), off Linux an error with code ERR_UNSUPPORTED_PLATFORM. */
  static async open(options: RtnetlinkSocketOptions = {}): Promise<RtnetlinkSocket> {
    checkOpen(options)
    const { netns } = options
    // A handle of its own: a monitor opens a further socket later, when the caller may have closed his.
    const own = netns === undefined ? undefined : NetworkNamespace.resolve(netns)
    try {
      return new RtnetlinkSocket(own)
    } catch (error) {
      own?.close()
      throw error
    }
  }

  /** Device names and indexes in the socket's namespace. Looked up without a lock, at every call. */
  get devices(): DeviceNames {
    return this.#netlink.devices
  }

  /**
   * Sends everything that `build` asks for in one sendmsg, in parts only beyond 128 KiB, and tells what became of each.
   * The kernel does not stop at an error. What is wrong with a spec is thrown before anything is sent.
   *
   * @example
   * const results = await rt.batch(b => {
   *   b.qdiscs.add({ dev: 'eth0', kind: 'clsact' })
   *   b.links.change({ dev: 'eth0', up: true })
   * })
   */
  async batch(build: (batch: RtnetlinkBatch) => void, options?: BatchOptions): Promise<BatchResult[]> {
    checkBuild(build)
    checkBatch(options)
    return this.#netlink.batch(gather(build, this.devices), options)
  }

  /** Sends requests made elsewhere, as `batch`. */
  async send(requests: Iterable<Request<never>>, options?: BatchOptions): Promise<BatchResult[]> {
    checkRequests(requests)
    checkSend(options)
    return this.#netlink.batch(requests, options)
  }

  /**
   * Lists whole tables at once, classes and filters of all devices among them. Default: all tables. Needs no privilege.
   *
   * @example
   * await other.restore(await rt.snapshot())
   */
  async snapshot(): Promise<RtnetlinkSnapshot>
  async snapshot<Name extends TableName>(tables: readonly Name[]): Promise<Pick<RtnetlinkSnapshot, Name>>
  async snapshot(tables: readonly TableName[] = TABLE_NAMES): Promise<Partial<RtnetlinkSnapshot>> {
    checkSnapshot(tables)
    return snapshot(this, tables)
  }

  /**
   * Makes listed objects again, in another namespace or after they are gone: parents first, and without what the kernel
   * makes by itself (routes of addresses, default qdiscs). The result says of each object whether it was made, left to
   * the kernel and why, or refused; an object that is refused does not keep the others from being made. Throws TypeError
   * for a table that there is not. Needs CAP_NET_ADMIN.
   */
  async restore(lists: Partial<RtnetlinkSnapshot>): Promise<Restored> {
    checkRestore(lists)
    return restore(request => this.#netlink.request(request).then(() => undefined), this.devices, lists)
  }

  /**
   * The counters of all links, by interface index. A tenth of what `links.list()` has the kernel write, and us read.
   * Needs no privilege.
   */
  async linkStatistics(options?: DumpOptions): Promise<Map<number, LinkStatistics>> {
    checkStatistics(options)
    const found = new Map<number, LinkStatistics>()
    for await (const message of this.#netlink.dump(linkStatisticsRequest, options)) {
      if (message.type !== RTM_NEWSTATS.type) continue
      const { ifindex, attributes } = message.decode(RTM_NEWSTATS)
      if (attributes.link64) found.set(ifindex, attributes.link64)
    }
    return found
  }

  /**
   * Changes as they happen, on a socket of its own. When the kernel had to drop notifications, an `overrun` event comes,
   * then what was missed, found by reading the tables again.
   */
  monitor(options: MonitorOptions = {}): RtnetlinkMonitor {
    checkMonitor(options)
    if (this.#netlink.closed) throw new NetlinkClosedError()
    const made = new RtnetlinkMonitor(
      this,
      () => openTransport(rtnetlinkProtocol.number, this.#netns),
      options,
      () => this.#monitors.delete(made),
    )
    this.#monitors.add(made)
    return made
  }

  /** Closes the socket; calls under way are rejected with NetlinkClosedError, monitors end. */
  close(): void {
    for (const monitor of this.#monitors) monitor.close()
    this.#monitors.clear()
    this.#netlink.close()
    this.#netns?.close()
  }

  /**
   * Closes, and resolves when the kernel has all file descriptors back: a moment later, or when the request that it is carrying out
   * is done. For a program that is short of descriptors.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const monitors = [...this.#monitors]
    this.close()
    await Promise.all([this.#netlink, ...monitors].map(one => one[Symbol.asyncDispose]()))
  }
}

function executorOf(netlink: NetlinkSocket): Executor<'async'> {
  return {
    mode: 'async',
    devices: netlink.devices,
    // Not an async function: that takes three turns to pass on what a promise came to.
    attempt<T>(work: () => Promise<T>): Promise<T> {
      try {
        return work()
      } catch (error) {
        const reason = error as Error
        return Promise.reject(reason)
      }
    },
    request: <T>(
      request: Request<never>,
      then: (replies: readonly Message[]) => T,
      options?: CallOptions,
    ): Promise<T> => netlink.request(request, options).then(then),
    async series(requests, undo, options) {
      const [first, ...others] = requests
      if (first) await netlink.request(first, options)
      const refused = (await netlink.batch(others, options)).find(({ error }) => error)
      if (refused === undefined) return
      await netlink.request(undo)
      throw refused.error as Error
    },
    async dump<T>(
      request: Request<never>,
      map: (message: Message) => T | undefined,
      options?: DumpOptions,
    ): Promise<T[]> {
      const objects: T[] = []
      for await (const message of netlink.dump(request, options)) {
        const object = map(message)
        if (object !== undefined) objects.push(object)
      }
      return objects
    },
  }
}
