import type { Test } from 'tap'
import { ipBatch } from '../helpers/iproute2.js'
import { WIRE } from '../helpers/topology.js'
import { preparedTopology, twoContainers, type TopologyOfIsolator } from './isolated-topology.js'

export const HOST_IP6 = '2001:db8:9::2'
export const REMOTE_IP6 = '2001:db8:9::1'
export const HOST_LINK_LOCAL = 'fe80::aff:fe09:2'
export const REMOTE_LINK_LOCAL = 'fe80::1'

/** The host's IPv6: one address to share, and the default route by the remote's link-local address. */
export const HOST_LINES = [
  `link set ${WIRE} addrgenmode none`,
  `addr flush dev ${WIRE} scope link`,
  `addr add ${HOST_IP6}/64 dev ${WIRE} nodad`,
  `addr add ${HOST_LINK_LOCAL}/64 dev ${WIRE} nodad`,
  `route add default via ${REMOTE_LINK_LOCAL} dev ${WIRE}`,
] as const

/** An address of the public interface that is not shared, being deprecated. */
export const NOT_SHARED = '2001:db8:9::7'
/** An address of the host on another interface, which is not shared either. */
export const ELSEWHERE_ON_HOST = '2001:db8:77::2'

/** The same with addresses that are not shared. */
export const HOST_LINES_WITH_OTHERS = [
  ...HOST_LINES,
  `addr add ${NOT_SHARED}/64 dev ${WIRE} nodad preferred_lft 0`,
  'link add vpn0 up type veth peer name vpn1',
  `addr add ${ELSEWHERE_ON_HOST}/64 dev vpn0 nodad`,
]

export const REMOTE_LINES = [
  `link set ${WIRE} addrgenmode none`,
  `addr flush dev ${WIRE} scope link`,
  `addr add ${REMOTE_IP6}/64 dev ${WIRE} nodad`,
  `addr add ${REMOTE_LINK_LOCAL}/64 dev ${WIRE} nodad`,
]

type Inet6Topology = TopologyOfIsolator & { readonly hostLines?: readonly string[] }

/** A topology of both families, the host prepared with `ipv6: true`. */
export async function preparedInet6(t: Test, options: Inet6Topology = {}) {
  const prepared = await preparedTopology(t, { hostLines: HOST_LINES, ipv6: true, ...options })
  await ipBatch(prepared.remote.name, REMOTE_LINES)
  return prepared
}

/** The same with two containers. */
export async function twoContainers6(t: Test, options: Inet6Topology = {}) {
  const world = await twoContainers(t, { hostLines: HOST_LINES, ipv6: true, ...options })
  await ipBatch(world.remote.name, REMOTE_LINES)
  return world
}
