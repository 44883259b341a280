/**
 * Messages made and read by hand, byte for byte: the layers that know how are above the one under test.
 * linux/rtnetlink.h, linux/netlink.h, linux/if_link.h, linux/veth.h
 */
export const NETLINK_ROUTE = 0
export const RTNLGRP_LINK = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17

const RTM_GETLINK = 18
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLM_F_CREATE_EXCL = 0x600
const NLM_F_DUMP = 0x300
const IFLA_IFNAME = 3
const IFLA_LINKINFO = 18
const IFLA_GROUP = 27
const IFLA_NUM_TX_QUEUES = 31
const IFLA_NUM_RX_QUEUES = 32
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const VETH_INFO_PEER = 1
const IFF_UP = 1

export interface LinkMessage {
  type: number
  sequence: number
  /** Of an interface: its index and name. */
  index: number
  name: string | undefined
  /** Of NLMSG_ERROR and NLMSG_DONE. */
  error: number
}

export const dumpLinks = (sequence: number): Buffer =>
  message(RTM_GETLINK, NLM_F_DUMP, sequence, ifinfomsg({}))

/** Answered with the link and no acknowledgement; with an error if there is no such index. */
export const getLink = (sequence: number, index: number): Buffer =>
  message(RTM_GETLINK, 0, sequence, ifinfomsg({ index }))

/** Changes a link; without `up` nothing about it. Waits for the RTNL lock. */
export const setLink = (sequence: number, index: number, up?: boolean): Buffer =>
  message(RTM_NEWLINK, NLM_F_ACK, sequence, ifinfomsg({ index, ...(up !== undefined && { up }) }))

export interface Veth {
  name: string
  peer: string
  /** Link group of both ends. Default: 0. */
  group?: number
  /** Of each end and direction. Default: 1. */
  queues?: number
}

/** Acknowledged. */
export const addVeth = (sequence: number, { name, peer, group = 0, queues = 1 }: Veth): Buffer => {
  const end = (ifname: string): Buffer[] => [
    ifinfomsg({}),
    attribute(IFLA_IFNAME, text(ifname)),
    attribute(IFLA_GROUP, u32(group)),
    attribute(IFLA_NUM_TX_QUEUES, u32(queues)),
    attribute(IFLA_NUM_RX_QUEUES, u32(queues)),
  ]
  const peerInfo = attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, ...end(peer)))
  const linkInfo = attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text('veth')), peerInfo)
  return message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE_EXCL, sequence, ...end(name), linkInfo)
}

/** Removes all links of a group, under one hold of the RTNL lock. */
export const deleteGroup = (sequence: number, group: number): Buffer =>
  message(RTM_DELLINK, NLM_F_ACK, sequence, ifinfomsg({}), attribute(IFLA_GROUP, u32(group)))

export function* messagesIn(chunk: Buffer): Generator<LinkMessage> {
  const { view, u16At, u32At } = reader(chunk)
  for (let at = 0; at < chunk.length; at += align(u32At(at))) {
    const end = at + u32At(at)
    const type = u16At(at + 4)
    const isEnd = type === NLMSG_ERROR || type === NLMSG_DONE
    const found: LinkMessage = { type, sequence: u32At(at + 8), index: 0, name: undefined, error: 0 }
    if (isEnd) found.error = view.getInt32(at + 16, littleEndian)
    else found.index = u32At(at + 20)
    for (let a = at + 32; !isEnd && a < end; a += align(u16At(a))) {
      if (u16At(a + 2) === IFLA_IFNAME) found.name = chunk.toString('utf8', a + 4, a + u16At(a) - 1)
    }
    yield found
  }
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const align = (length: number): number => (length + 3) & ~3
const u16 = (value: number): Buffer => Buffer.from(Uint16Array.of(value).buffer)
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer)
const text = (value: string): Buffer => Buffer.from(`${value}\0`)

function reader(chunk: Buffer) {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  return {
    view,
    u16At: (at: number) => view.getUint16(at, littleEndian),
    u32At: (at: number) => view.getUint32(at, littleEndian),
  }
}

function message(type: number, flags: number, sequence: number, ...body: Buffer[]): Buffer {
  const content = Buffer.concat(body)
  const port = u32(0)
  return Buffer.concat([
    u32(16 + content.length),
    u16(type),
    u16(flags | NLM_F_REQUEST),
    u32(sequence),
    port,
    content,
  ])
}

function ifinfomsg({ index = 0, up }: { index?: number; up?: boolean }): Buffer {
  return Buffer.concat([u32(0), u32(index), u32(up ? IFF_UP : 0), u32(up === undefined ? 0 : IFF_UP)])
}

function attribute(type: number, ...content: Buffer[]): Buffer {
  const payload = Buffer.concat(content)
  const padding = Buffer.alloc(align(payload.length) - payload.length)
  return Buffer.concat([u16(4 + payload.length), u16(type), payload, padding])
}
