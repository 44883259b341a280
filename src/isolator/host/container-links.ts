import { rememberNames } from '../../netlink/devices.js'
import { littleEndian } from '../../netlink/codec/byte-order.js'
import { messagesIn, type Message } from '../../netlink/message.js'
import { openTransport } from '../../netlink/open-transport.js'
import type { Transport } from '../../netlink/transport.js'
import { SystemError } from '../../native/system-error.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { link, type Link } from '../../rtnetlink/index.js'
import { rtnetlinkProtocol } from '../../rtnetlink-protocol.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { lookUp } from '../kernel/look-up.js'
import { slotOfLink, slotOfShaper } from '../layout/layout.js'

/** linux/rtnetlink.h */
const RTNLGRP_LINK = 1
/** Where a struct ifinfomsg has its family and its index. */
const FAMILY_AT = 0
const INDEX_AT = 4
const AF_UNSPEC = 0

/** SO_RCVBUF: notifications of some 150 containers that come and go between two turns. */
const RECEIVE_BUFFER = 4 * 1024 * 1024
/** Links of which a notification is kept. Of more than that, a look is cheaper. */
const MOST_NEWS = 1024

/** The links of containers and of shapers, whoever has made them. */
export interface LinksNow {
  readonly veths: readonly Link[]
  /** What has changed since the look before: indexes of links, and links that are gone. Undefined: it is not known. */
  readonly since?: { readonly changed: ReadonlySet<number>; readonly gone: readonly Link[] }
}

/**
 * The links of containers on a host, as one isolator sees them from turn to turn. From the second look on it has a socket that
 * the kernel queues notifications of links on. Nobody reads them until they are asked for: the kernel has queued what another
 * did before that one's turn ended, so there is nothing to wait for, and no other look is needed. Where the queue has
 * overflowed, or there is no descriptor for the socket, the links are read.
 */
export class ContainerLinks {
  readonly #netns: NetworkNamespace
  readonly #rt: RtnetlinkSocket
  #asked = 0
  #closed = false
  #socket: Transport | undefined
  /** The links at the last look, by index, where all notifications since have been kept. */
  #known: Map<number, Link> | undefined
  /** Whether notifications are kept, for `now()`. */
  #keeps = false
  /** The last notification of each link since the last look, by index. */
  readonly #news = new Map<number, Message>()
  /** Whether every link that has gone since `ended()` was called before is in `#gone`. */
  #seesAllGone = false
  #gone = new Set<number>()

  constructor(netns: NetworkNamespace, rt: RtnetlinkSocket) {
    this.#netns = netns
    this.#rt = rt
  }

  /**
   * The links as they are now.
   *
   * @param again whether it is called again in the same turn: that is no reason to listen
   */
  async now(again = false): Promise<LinksNow> {
    if (!again) this.#listen()
    this.#read()
    try {
      if (this.#known) return await this.#byNews(this.#known)
    } catch (error) {
      this.forget()
      throw error
    }
    this.#news.clear()
    this.#keeps = this.#socket !== undefined
    const veths = (await this.#rt.links.list({ kind: 'veth' })).filter(isOfContainers)
    // Notifications that come during the look are kept already.
    if (this.#keeps) this.#known = new Map(veths.map(veth => [veth.index, veth]))
    return { veths }
  }

  /** Of the indexes of links that were there before, those of links that have gone. */
  ended(indexes: readonly number[]): ReadonlySet<number> {
    if (indexes.length === 0) {
      this.#seesAllGone = false
      return new Set()
    }
    this.#listen()
    this.#read()
    const { devices } = this.#rt
    const hasGone = this.#seesAllGone
      ? (index: number): boolean => index === 0 || this.#gone.has(index)
      : (index: number): boolean => devices.interfaceName(index) === undefined
    this.#seesAllGone = this.#socket !== undefined
    return (this.#gone = new Set(indexes.filter(hasGone)))
  }

  /** Has the next `now()` look. For whoever could not make use of what the last one gave. */
  forget(): void {
    this.#known = undefined
    this.#keeps = false
    this.#news.clear()
  }

  close(): void {
    this.#closed = true
    this.#socket?.close()
    this.#socket = undefined
    // A call that still comes to its turn looks.
    this.#seesAllGone = false
    this.forget()
  }

  async #byNews(known: Map<number, Link>): Promise<LinksNow> {
    const changed = new Set(this.#news.keys())
    const gone: Link[] = []
    const devices = rememberNames(this.#rt.devices)
    for (const [index, message] of this.#news) {
      const isThere = message.type === link.messages.new.type
      const found = link.fromBody(message.decode(isThere ? link.messages.new : link.messages.delete), devices)
      if (!isOfContainers(found)) known.delete(index)
      else if (isThere) known.set(index, found)
      else {
        known.delete(index)
        gone.push(found)
      }
    }
    this.#news.clear()
    for (const index of await this.#lookAtThoseDown(known)) changed.add(index)
    return { veths: [...known.values()], since: { changed, gone } }
  }

  /** Of a link that is down the kernel does not notify when its alias or its names change (netdev_state_change in net/core/dev.c). */
  async #lookAtThoseDown(known: Map<number, Link>): Promise<number[]> {
    const down = [...known.values()].filter(({ up }) => !up)
    const found = await lookUp(
      this.#rt,
      link,
      down.map(({ index }) => index),
    )
    for (const [i, { index }] of down.entries()) {
      const now = found[i]
      if (now && isOfContainers(now)) known.set(index, now)
      else known.delete(index)
    }
    return down.map(({ index }) => index)
  }

  /** A program that makes one call and ends has no use for it. */
  #listen(): void {
    if (this.#socket || this.#closed || this.#asked++ === 0) return
    let socket: Transport | undefined
    try {
      socket = openTransport(rtnetlinkProtocol.number, this.#netns)
      socket.setReceiveBuffer(RECEIVE_BUFFER)
      socket.join(RTNLGRP_LINK)
      this.#socket = socket
    } catch (error) {
      socket?.close()
      // Such as for want of a descriptor: looks do as well.
      if (!(error instanceof SystemError)) throw error
    }
  }

  /** Reads what is queued, to the end: an overrun lasts until then. */
  #read(): void {
    while (this.#socket) {
      try {
        const received = this.#socket.receiveSync(0)
        // What is kept must not be in the buffer of the next.
        for (const message of messagesIn(this.#keeps ? new Uint8Array(received) : received))
          this.#note(message)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ETIMEDOUT') return
        this.#seesAllGone = false
        this.forget()
        if (code !== 'ENOBUFS' && code !== 'EMSGSIZE') throw error
      }
    }
  }

  #note(message: Message): void {
    const isGone = message.type === link.messages.delete.type
    const { payload } = message
    // Ports of bridges have notifications of their own, by the same types.
    if ((!isGone && message.type !== link.messages.new.type) || payload.getUint8(FAMILY_AT) !== AF_UNSPEC)
      return
    const index = payload.getInt32(INDEX_AT, littleEndian)
    if (isGone && this.#seesAllGone) this.#gone.add(index)
    // It was in another namespace meanwhile.
    if (!isGone) this.#gone.delete(index)
    if (!this.#keeps) return
    this.#news.set(index, message)
    if (this.#news.size > MOST_NEWS) this.forget()
  }
}

const isOfContainers = ({ kind, name }: Link): boolean =>
  kind === 'veth' && (slotOfLink(name) !== undefined || slotOfShaper(name) !== undefined)
