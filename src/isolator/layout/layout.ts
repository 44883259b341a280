/*
 * The names and numbers of the kernel layout. Every handle of a container follows from its slot and its ports alone;
 * docs/kernel-layout.md shows the whole.
 */
import { parseHandle, type Handle } from '../../tc/index.js'

/** Priorities: one classifier instance each, tried in ascending order. Filters with other priorities are not ours. */
export const PRIORITY = {
  /** Public interface, all protocols: drops what pretends to come from the host itself. */
  martian: 1000,
  /** Public interface, ARP: answers to the host's questions, which every container may have asked. */
  arp: 1010,
  /** Public interface, loopback, and inside: steering by port. */
  steering: 1020,
  /** Public interface, loopback, and inside: steering of IPv6, which ends in the same port tables. */
  steering6: 1030,
  /** Public interface, 802.1Q: real VLANs are the host's. Its verdict hides later filters, hence near the end. */
  vlan: 64000,
  /** Public interface, 802.1Q: priority-tagged frames (VID 0), steered like untagged ones. */
  priorityTagged: 64001,
  /** Host end of a veth: the two allow-lists. */
  allow: 1000,
  /** Host end of a veth: drops whatever no allow-list let through. */
  drop: 65535,
} as const

/** The u32 hash tables of the steering priority; one name space per qdisc. Ports have tables of their own, see port-blocks. */
export const TABLE = {
  /** Destination port by its high 6 bits; behind it 0x100 to 0x13f by the middle 6 bits. */
  destinationPort: 1,
  /** Skips the IP header. */
  skipIpHeader: 2,
  /** Everyone: a mirror node per container, its id the slot. It is where the copies are made, at the far end of {@link ANSWERS}. */
  everyone: 3,
  /** By ICMP type. */
  icmp: 4,
  /** By the protocol of the packet that an ICMP error quotes. */
  quotedProtocol: 5,
  /** Skips the ICMP header and the quoted IP header. */
  skipQuotedHeader: 6,
  /** Quoted source port, as destinationPort; behind it 0x200 to 0x23f. */
  quotedSourcePort: 7,
  /** By IP protocol. */
  protocol: 8,
  /** With `fragments: 'allow'`, by the fragment offset: later fragments of UDP. */
  laterFragments: 9,
} as const

/**
 * The u32 hash tables of IPv6. Its header has a fixed length, so a node hashes behind it and skips it in one step; ports are looked
 * up in the tables of IPv4, which all u32 priorities of a qdisc share.
 */
export const TABLE6 = {
  /** By ICMPv6 type. */
  icmp: 0x14,
  /** By the next header of the packet that an ICMPv6 error quotes. */
  quotedProtocol: 0x15,
  /** By next header. */
  protocol: 0x18,
  /** The source of the packet that an ICMPv6 error quotes. */
  quotedSource: 0x1a,
} as const

/** First of the 64 second-level tables of destination and quoted source ports. */
export const SECOND_LEVEL = { destinationPort: 0x100, quotedSourcePort: 0x200 } as const

/** Buckets of a port table: 6 bits of the port. */
export const PORT_BUCKETS = 64

/** A node id above those of blocks (1 to 31): the link to the second level comes last in its bucket. */
export const SECOND_LEVEL_LINK = 0x800

/**
 * The fq_codel at the public interface that gives each container a flow of its own: a handle that nobody else takes by
 * chance ("PM"), so that it is known again.
 */
export const FLOW_QDISC = '504d:'

/** Its flows, as in Mesos: the host's, one that ARP and ICMP share, and from 3 on those of slots. */
export const FLOW = { host: 1, shared: 2, firstContainer: 3 } as const

/** A flow as a class id of the qdisc. */
export const flowId = (flow: number): string => `${FLOW_QDISC}${flow.toString(16)}`

/** The slot whose flow a class id is. */
export const slotOfFlow = (classid: Handle): number =>
  (parseHandle(classid) & 0xffff) - FLOW.firstContainer + 1

export const FIRST_SLOT = 1

/** Slots are node ids of the everyone table, which have 12 bits. */
export const MAXIMUM_SLOT = 0xfff

/** Name of the host end of a container's veth pair, and of the handle in /run/netns that holds its namespace. */
export const linkName = (slot: number): string => `pm${slot}`

/** The two ends of the veth pair that all a container sends goes through where the host enforces its limit. */
export const shaperNames = (slot: number): { near: string; far: string } => ({
  near: `pms${slot}`,
  far: `pmt${slot}`,
})

/** The two ends of the veth pair through which goes what is for everyone: the near one has an HTB with its limits, the far one the copies. */
export const ANSWERS = { near: 'pmanswers', limits: '1:', far: 'pmcopies' } as const

/** The slot of the near end of a shaper; undefined for a link that is none. */
export const slotOfShaper = (name: string): number | undefined =>
  name.startsWith('pms') ? slotOfLink(`pm${name.slice(3)}`) : undefined

/**
 * Slots that share a bridge: it has 1,023 ports at most (BR_MAX_PORTS, net/bridge/br_private.h), and a container up to
 * three, its veth and the two ends of its shaper.
 */
const SLOTS_PER_BRIDGE = 341

/** Name of the bridge that drops what the filters on a container's devices do not see. */
export const bridgeName = (slot: number): string => `pmb${Math.floor(slot / SLOTS_PER_BRIDGE)}`

export const isBridgeName = (name: string): boolean => /^pmb(0|[1-9][0-9]?)$/.test(name)

/** The slot of a link name; undefined for a link that is not ours. */
export function slotOfLink(name: string): number | undefined {
  const slot = /^pm([1-9][0-9]{0,3})$/.exec(name)?.[1]
  return slot !== undefined && Number(slot) <= MAXIMUM_SLOT ? Number(slot) : undefined
}

/** The container's end of the pair, unless the caller of `isolate` has another name for it. */
export const CONTAINER_INTERFACE = 'eth0'

/** The handle `table:bucket:node` of a u32 node. */
export const nodeHandle = (table: number, bucket: number, node: number): string =>
  `${table.toString(16)}:${bucket.toString(16)}:${node.toString(16)}`

/** The handle `table:` of a u32 table. */
export const tableHandle = (table: number): string => `${table.toString(16)}:`
