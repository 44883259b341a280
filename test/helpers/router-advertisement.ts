/** Router advertisements as bytes (RFC 4861, section 4.2), to be sent by a router that is none. */
import { ethernet } from './packets.js'
import { ETH_P_IPV6, icmpv6, IPPROTO_ICMPV6, ipv6, ipv6Bytes, macOption } from './packets6.js'

export interface AdvertisedPrefix {
  /** Its network, `'2001:db8:9::'`; 64 bits of it count. */
  prefix: string
  /** Seconds. Default: a day. */
  valid?: number
  /** Seconds. Default: as `valid`. */
  preferred?: number
}

export interface RouterAdvertisement {
  /** Link-local address of the router. */
  router: string
  mac: string
  prefixes?: readonly AdvertisedPrefix[]
  /** Seconds that it is a default router; 0: it is none any more. Default: 1800. */
  lifetime?: number
  /** Default: it says nothing of it. */
  mtu?: number
  /** Default: 64. */
  hopLimit?: number
}

const ALL_NODES = 'ff02::1'
const ALL_NODES_MAC = '33:33:00:00:00:01'
const A_DAY = 86_400

/** The frame of an advertisement to all nodes. */
export function routerAdvertisement({
  router,
  mac,
  prefixes = [],
  lifetime = 1800,
  mtu,
  hopLimit = 64,
}: RouterAdvertisement): Buffer {
  const ends = { source: router, destination: ALL_NODES }
  const timers = Buffer.alloc(8)
  const payload = Buffer.concat([
    timers,
    ...prefixes.map(prefixOption),
    ...(mtu === undefined ? [] : [mtuOption(mtu)]),
    macOption(1, mac),
  ])
  const rest = Buffer.from([hopLimit, 0, lifetime >> 8, lifetime & 0xff])
  return ethernet(
    { source: mac, destination: ALL_NODES_MAC, type: ETH_P_IPV6 },
    ipv6({ ...ends, nextHeader: IPPROTO_ICMPV6, hopLimit: 255 }, icmpv6({ type: 134, rest }, payload, ends)),
  )
}

/** With the flags L and A: the prefix is on-link, and hosts give themselves addresses in it (RFC 4861, section 4.6.2). */
function prefixOption({ prefix, valid = A_DAY, preferred = valid }: AdvertisedPrefix): Buffer {
  const option = Buffer.alloc(16)
  option.set([3, 4, 64, 0xc0])
  option.writeUInt32BE(valid, 4)
  option.writeUInt32BE(preferred, 8)
  return Buffer.concat([option, ipv6Bytes(prefix)])
}

function mtuOption(mtu: number): Buffer {
  const option = Buffer.from([5, 1, 0, 0, 0, 0, 0, 0])
  option.writeUInt32BE(mtu, 4)
  return option
}
