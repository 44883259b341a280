import { argument, callback, optional } from './input/index.js'
import { openTransport } from './netlink/open-transport.js'
import { NetlinkSocketSync } from './netlink/socket-sync.js'
import { batchInputSync, type BatchOptionsSync, type DumpOptionsSync } from './netlink/call-options.js'
import type { BatchResult } from './netlink/exchange.js'
import { requestsInput, type Message, type Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import { gather, type RtnetlinkBatch } from './rtnetlink-batch.js'
import { rtnetlinkProtocol } from './rtnetlink-protocol.js'
import { rtnetlinkSocketInput, type RtnetlinkSocketOptions } from './rtnetlink-socket.js'
import { tablesOf, type Tables } from './rtnetlink-tables.js'
import type { Executor } from './rtnetlink-verbs.js'

const checkOpen = argument('RtnetlinkSocketSync.open', 'options', optional(rtnetlinkSocketInput))
const checkBuild = argument(
  'RtnetlinkSocketSync.batch',
  'build',
  callback('a function that gathers the batch'),
)
const checkBatch = argument('RtnetlinkSocketSync.batch', 'options', optional(batchInputSync))
const checkRequests = argument('RtnetlinkSocketSync.send', 'requests', requestsInput)
const checkSend = argument('RtnetlinkSocketSync.send', 'options', optional(batchInputSync))

/**
 * RtnetlinkSocket without promises, for scripts and for the lowest latency. A call blocks the process for as long as the
 * kernel takes, seconds where another process keeps the RTNL lock: use RtnetlinkSocket in anything that serves.
 */
export class RtnetlinkSocketSync implements Disposable, Tables<'sync'> {
  readonly links: Tables<'sync'>['links']
  readonly addresses: Tables<'sync'>['addresses']
  readonly routes: Tables<'sync'>['routes']
  readonly neighbours: Tables<'sync'>['neighbours']
  readonly qdiscs: Tables<'sync'>['qdiscs']
  readonly classes: Tables<'sync'>['classes']
  readonly filters: Tables<'sync'>['filters']
  readonly #netlink: NetlinkSocketSync

  private constructor(netlink: NetlinkSocketSync) {
    this.#netlink = netlink
    const tables = tablesOf(executorOf(netlink))
    this.links = tables.links
    this.addresses = tables.addresses
    this.routes = tables.routes
    this.neighbours = tables.neighbours
    this.qdiscs = tables.qdiscs
    this.classes = tables.classes
    this.filters = tables.filters
  }

  /** As RtnetlinkSocket.open. */
  static open(options: RtnetlinkSocketOptions = {}): RtnetlinkSocketSync {
    checkOpen(options)
    const transport = openTransport(rtnetlinkProtocol.number, options.netns)
    return new RtnetlinkSocketSync(new NetlinkSocketSync(transport, rtnetlinkProtocol))
  }

  /** As RtnetlinkSocket.devices. */
  get devices(): DeviceNames {
    return this.#netlink.devices
  }

  /** As RtnetlinkSocket.batch. */
  batch(build: (batch: RtnetlinkBatch) => void, options?: BatchOptionsSync): BatchResult[] {
    checkBuild(build)
    checkBatch(options)
    return this.#netlink.batch(gather(build, this.devices), options)
  }

  /** As RtnetlinkSocket.send. */
  send(requests: Iterable<Request<never>>, options?: BatchOptionsSync): BatchResult[] {
    checkRequests(requests)
    checkSend(options)
    return this.#netlink.batch(requests, options)
  }

  close(): void {
    this.#netlink.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

const executorOf = (netlink: NetlinkSocketSync): Executor<'sync'> => ({
  mode: 'sync',
  devices: netlink.devices,
  attempt: work => work(),
  request: <T>(request: Request<never>, then: (replies: readonly Message[]) => T): T =>
    then(netlink.request(request)),
  series([first, ...others], undo) {
    if (first) netlink.request(first)
    const refused = netlink.batch(others).find(({ error }) => error)
    if (refused === undefined) return
    netlink.request(undo)
    throw refused.error as Error
  },
  dump: <T>(
    request: Request<never>,
    map: (message: Message) => T | undefined,
    options?: DumpOptionsSync,
  ): T[] => netlink.dump(request, options).flatMap(message => map(message) ?? []),
})
