import type { Address, Link, Neighbour, Route, RouteMetrics } from '../../src/rtnetlink/index.js'

/*
 * What we decode in the words of `ip -json -details`, so that the two can be compared whole: a member that one of them
 * lacks is a difference.
 */

export type Json = Record<string, unknown>

/** What JSON says of a value, members sorted by name. */
export const json = (value: unknown): Json => JSON.parse(JSON.stringify(value, sorted)) as Json

function sorted(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const groupName = (group: number | undefined): string => (group === 0 ? 'default' : String(group))

/** `ip -j -d -s link show` of a link, flags sorted. The data of kinds is left to other tests. */
export function linkAsIp(link: Link): Json {
  const { statistics } = link
  return json({
    ifindex: link.index,
    ...lowerLink(link),
    ifname: link.name,
    flags: [...link.flags].filter(flag => flag !== 'RUNNING').sort(),
    mtu: link.mtu,
    qdisc: link.qdisc,
    master: link.master,
    operstate: String(link.operationalState).toUpperCase(),
    linkmode: String(link.linkMode).toUpperCase(),
    group: groupName(link.group),
    txqlen: link.txQueueLength === 0 ? undefined : link.txQueueLength,
    ifalias: link.alias,
    link_type: link.hardwareType,
    address: link.address,
    broadcast: link.broadcast,
    link_netnsid: link.linkNetnsid,
    promiscuity: link.promiscuity,
    allmulti: link.allmulti,
    min_mtu: link.minMtu,
    max_mtu: link.maxMtu,
    linkinfo:
      link.kind === undefined && link.slaveKind === undefined
        ? undefined
        : { info_kind: link.kind, info_slave_kind: link.slaveKind },
    inet6_addr_gen_mode: link.inet6?.addrGenMode,
    num_tx_queues: link.txQueues,
    num_rx_queues: link.rxQueues,
    gso_max_size: link.gsoMaxSize,
    gso_max_segs: link.gsoMaxSegments,
    tso_max_size: link.tsoMaxSize,
    tso_max_segs: link.tsoMaxSegments,
    gro_max_size: link.groMaxSize,
    stats64: statistics && {
      rx: {
        bytes: statistics.rxBytes,
        packets: statistics.rxPackets,
        errors: statistics.rxErrors,
        dropped: statistics.rxDropped,
        over_errors: statistics.rxOverErrors,
        multicast: statistics.multicast,
      },
      tx: {
        bytes: statistics.txBytes,
        packets: statistics.txPackets,
        errors: statistics.txErrors,
        dropped: statistics.txDropped,
        carrier_errors: statistics.txCarrierErrors,
        collisions: statistics.collisions,
      },
    },
  })
}

function lowerLink(link: Link): Json {
  const index = link.kind === 'veth' ? link.peer?.index : undefined
  if (index !== undefined) return link.linkNetnsid === undefined ? { link: '(peer)' } : { link_index: index }
  return { link: link.link }
}

/** What `ip` says among the flags though it is none: up without carrier, and that the device below is down. */
const OF_IP = ['NO-CARRIER', 'M-DOWN']

/** `ip -j -d -s link show` of a link, in the same order and without what `linkAsIp` leaves out. */
export function ipLink(shown: Json): Json {
  const { linkinfo, flags, link, ...rest } = shown
  const { info_kind, info_slave_kind } = (linkinfo ?? {}) as Json
  const isVeth = info_kind === 'veth'
  return json({
    ...rest,
    link: isVeth && link !== undefined ? '(peer)' : link,
    flags: (flags as string[]).filter(flag => !OF_IP.includes(flag)).sort(),
    linkinfo: linkinfo === undefined ? undefined : { info_kind, info_slave_kind },
  })
}

const FOREVER = 0xffff_ffff

/** One of `addr_info` of `ip -j -d addr show`. */
export function addressAsIp(address: Address): Json {
  const { flags } = address
  const lifetime = (seconds = Infinity): number => (seconds === Infinity ? FOREVER : seconds)
  return json({
    family: address.family,
    local: address.address,
    address: address.peer,
    prefixlen: address.prefixLength,
    metric: address.metric,
    broadcast: address.broadcast,
    anycast: address.anycast,
    scope: address.scope,
    dynamic: flags.includes('permanent') ? undefined : true,
    secondary: flags.includes('secondary') || undefined,
    tentative: flags.includes('tentative') || undefined,
    deprecated: flags.includes('deprecated') || undefined,
    nodad: address.nodad,
    home: address.home,
    noprefixroute: address.noprefixroute,
    mngtmpaddr: address.mngtmpaddr,
    autojoin: address.autojoin,
    protocol: address.protocol,
    label: address.label,
    valid_life_time: lifetime(address.validLifetime),
    preferred_life_time: lifetime(address.preferredLifetime),
  })
}

/** One of `ip -j -d route show table all`. */
export function routeAsIp(route: Route): Json {
  return json({
    type: route.type,
    dst: route.destination,
    gateway: sameFamily(route.family, route.gateway) ? route.gateway : undefined,
    via: sameFamily(route.family, route.gateway) ? undefined : { family: 'inet6', host: route.gateway },
    dev: route.dev,
    table: String(route.table),
    protocol: route.protocol,
    scope: route.scope,
    prefsrc: route.preferredSource,
    metric: route.metric,
    tos: route.tos === undefined ? undefined : `0x${route.tos.toString(16).padStart(2, '0')}`,
    flags: route.nexthops ? [] : route.flags,
    metrics: route.metrics && [metricsAsIp(route.metrics)],
    pref: route.preference,
    expires: route.expires === undefined ? undefined : Math.floor(route.expires),
    nexthops: route.nexthops?.map(({ gateway, dev, weight, flags }) => ({ gateway, dev, weight, flags })),
  })
}

const sameFamily = (family: string, gateway: string | undefined): boolean =>
  gateway === undefined || gateway.includes(':') === (family === 'inet6')

/** One of `ip -j -d neigh show`. */
export const neighbourAsIp = (neighbour: Neighbour): Json =>
  json({
    dst: neighbour.address,
    dev: neighbour.dev,
    lladdr: neighbour.lladdr,
    router: neighbour.router ? null : undefined,
    proxy: neighbour.proxy ? null : undefined,
    extern_learn: neighbour.extern_learn ? null : undefined,
    state: neighbour.state === 'none' ? undefined : [neighbour.state.toUpperCase()],
    protocol: neighbour.protocol,
  })

const metricsAsIp = ({ congctl, ...metrics }: RouteMetrics): object => ({
  ...metrics,
  congestion: congctl,
  lock: undefined,
})
