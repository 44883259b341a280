import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { qdisc } from '../../tc/index.js'
import {
  FLOW,
  FLOW_QDISC,
  flowId,
  PORT_BUCKETS,
  PRIORITY,
  SECOND_LEVEL,
  SECOND_LEVEL_LINK,
  TABLE,
  TABLE6,
} from '../layout/layout.js'
import { portNode, type PortBlock } from '../layout/port-blocks.js'
import { IPPROTO_ICMP, IPPROTO_ICMPV6, PORT_PROTOCOLS } from '../programs/frame-values.js'
import { matchAll } from '../programs/match-all.js'
import { bpfFilter } from './bpf-filter.js'
import type { HostFacts } from './facts.js'
import { steeredAddresses } from './inet6.js'
import { planAdd, type Planned } from './planned.js'
import { BY_PROTOCOL, IP_HEADER, WHOLE_DATAGRAM } from './skeleton.js'
import { addressRoot6, portLinks6 } from './skeleton6.js'
import { U32Priority, word } from './u32-priority.js'

/*
 * Egress flow isolation: fq_codel at the public interface with one flow per container, chosen by source port as packets
 * are steered by destination port. fq_codel drops what no filter classifies once it has a filter (fq_codel_classify in
 * net/sched/sch_fq_codel.c): the catch-all comes first, and goes with the qdisc.
 */

/** A class beyond the flows would be dropped, and their number cannot be changed later: room for every slot. */
const FLOWS = 8192

/** The qdisc. `parent` is `'root'` or the class of somebody's qdisc. */
export const flowQdisc = ({ publicInterface: dev }: HostFacts, parent: string): Planned =>
  planAdd(qdisc, { dev, parent, handle: FLOW_QDISC, kind: 'fq_codel', flows: FLOWS })

/** Where ARP and ICMP of everyone goes: no port tells whose it is. */
const SHARED = { classid: flowId(FLOW.shared) } as const

/** The static filters below it: everything is the host's until it is found to be a container's. */
export function flowFilters({ publicInterface: dev, address, inet6 }: HostFacts): Planned[] {
  const arp = new U32Priority(dev, PRIORITY.arp, 'arp', FLOW_QDISC)
  const ip = new U32Priority(dev, PRIORITY.steering, 'ip', FLOW_QDISC)
  return [
    bpfFilter({
      dev,
      parent: FLOW_QDISC,
      priority: PRIORITY.drop,
      protocol: 'all',
      handle: 1,
      program: matchAll,
      classid: flowId(FLOW.host),
    }),
    arp.root(1, SHARED),
    ip.table(TABLE.skipIpHeader, 1),
    ip.table(TABLE.quotedSourcePort, PORT_BUCKETS),
    ip.table(TABLE.protocol, 256),
    ...buckets(k => ip.table(SECOND_LEVEL.quotedSourcePort + k, PORT_BUCKETS)),
    ...buckets(k =>
      ip.node(TABLE.quotedSourcePort, k, SECOND_LEVEL_LINK, {
        hashKey: { mask: 0x03f00000, at: 0 },
        link: SECOND_LEVEL.quotedSourcePort + k,
      }),
    ),
    ip.node(TABLE.skipIpHeader, 0, 1, { hashKey: { mask: 0xfc000000, at: 0 }, link: TABLE.quotedSourcePort }),
    ...PORT_PROTOCOLS.map(protocol =>
      ip.node(TABLE.protocol, protocol, 1, { skip: IP_HEADER, link: TABLE.skipIpHeader }),
    ),
    ip.node(TABLE.protocol, IPPROTO_ICMP, 1, SHARED),
    ip.root(1, {
      keys: [word(12, ipv4ToNumber(address)), WHOLE_DATAGRAM],
      hashKey: BY_PROTOCOL,
      link: TABLE.protocol,
    }),
    ...(inet6 ? flowFilters6(dev, steeredAddresses(inet6)) : []),
  ]
}

/** The same of IPv6, which ends in the same port tables. Packets with extension headers are the host's, as fragments are. */
function flowFilters6(dev: string, addresses: readonly string[]): Planned[] {
  const ipv6 = new U32Priority(dev, PRIORITY.steering6, 'ipv6', FLOW_QDISC)
  return [
    ipv6.table(TABLE6.protocol, 256),
    ...portLinks6(ipv6, 'source'),
    ipv6.node(TABLE6.protocol, IPPROTO_ICMPV6, 1, SHARED),
    ...addresses.map((address, i) => ipv6.root(i + 1, addressRoot6('source', address))),
  ]
}

/**
 * What puts packets from blocks of ports into the flow of the container in that slot: one node per block. A packet's own
 * source port lies where that of a quoted packet does, at the start of the transport header.
 */
export function flowNodes(
  { publicInterface: dev }: Pick<HostFacts, 'publicInterface'>,
  blocks: readonly PortBlock[],
  slot: number,
): Planned[] {
  const ip = new U32Priority(dev, PRIORITY.steering, 'ip', FLOW_QDISC)
  return blocks.map(block => {
    const { table, bucket, node, value, mask } = portNode(block, 'quotedSource')
    return ip.node(table, bucket, node, {
      keys: [{ at: 0, value, mask }],
      classid: flowId(FLOW.firstContainer + slot - 1),
    })
  })
}

const buckets = (make: (k: number) => Planned): Planned[] =>
  Array.from({ length: PORT_BUCKETS }, (_, k) => make(k))
