import { link } from '../../rtnetlink/index.js'
import { qdisc, trafficClass } from '../../tc/index.js'
import { ANSWERS, PRIORITY, TABLE } from '../layout/layout.js'
import { ofNeighbours, ofProtocol } from '../programs/of-protocol.js'
import { ETH_P_ARP, ETH_P_IP, IPPROTO_UDP } from '../programs/frame-values.js'
import { bpfFilter } from './bpf-filter.js'
import type { HostFacts } from './facts.js'
import { guardedLink, finalDrop } from './guard.js'
import { plan, planAdd, planDelete, type Planned } from './planned.js'
import { U32Priority } from './u32-priority.js'

/*
 * Packets that name no port are for everyone: ARP replies, echo replies, errors about pings, later fragments. A copy for each
 * container is what one of them costs, and anybody on the wire can send them. So they go through a veth pair of the host's:
 * at its near end a class of each sort lets so many a second pass and drops the rest, at the cost of one packet; what comes
 * out of the far end is copied to the containers.
 */

/** What copies may cost at most: so many of them a second, of each sort, whatever the number of containers. */
const COPIES_PER_SECOND = { arp: 100_000, icmp: 50_000, fragment: 100_000 } as const
type Sort = keyof typeof COPIES_PER_SECOND

/** The classes below the root of the near end, and their queues. ICMP is what no filter takes out. */
const CLASS = { arp: 1, icmp: 2, fragment: 3 } as const satisfies Record<Sort, number>
const classOf = (sort: Sort): string => `1:${CLASS[sort]}`
const queueOf = (sort: Sort): string => `1${CLASS[sort]}:`

/** Ethernet's header, linux/if_ether.h */
const ETH_HLEN = 14
/** tc_ratespec has 16 bits for it. */
const LARGEST_MPU = 0xffff

/** A second's packets wait a quarter of a second at most, and a burst of this many whatever the rate. */
const QUEUE_SECONDS = 0.25
const SHORTEST_QUEUE = 16

/** How many packets of a sort are copied in a second at most: the fewer, the more containers there is room for. */
export const answersPerSecond = (sort: Sort, { capacity }: Pick<HostFacts, 'capacity'>): number =>
  Math.max(1, Math.floor(COPIES_PER_SECOND[sort] / capacity))

/** The pair. It has no part in the host's own traffic: no address, no ARP, and nothing gets past its filters. */
export function answersPair(host: HostFacts): Planned {
  const quiet = endOf(host)
  const spec = { name: ANSWERS.near, kind: 'veth', ...quiet, peer: { name: ANSWERS.far, ...quiet } } as const
  return plan(link, 'add', spec, planDelete(link, ANSWERS.near))
}

/** What an end of it is made with. */
const endOf = ({ mac: address, mtu }: HostFacts) => ({ address, mtu, arp: false, multicast: false }) as const

/** What both ends need but for the filters that copy. Each message says what is to be, whatever is there. */
export const answersLimits = (host: HostFacts): Planned[] => [
  ...[ANSWERS.near, ANSWERS.far].flatMap(dev => [
    // One after the other: with a larger MTU the device gets IPv6, and only then has settings of it.
    plan(link, 'change', { dev, ...endOf(host) }),
    plan(link, 'change', { dev, ...guardedLink(host) }),
    ...finalDrop(dev),
  ]),
  planAdd(qdisc, {
    dev: ANSWERS.near,
    parent: 'root',
    handle: ANSWERS.limits,
    kind: 'htb',
    defaultClass: CLASS.icmp,
  }),
  ...(Object.keys(CLASS) as Sort[]).flatMap(sort => limited(sort, host)),
  chosen('arp', host.inet6 ? ofNeighbours : ofProtocol(ETH_P_ARP)),
  chosen('fragment', ofProtocol(ETH_P_IP, IPPROTO_UDP)),
  ...[ANSWERS.near, ANSWERS.far].map(dev => plan(link, 'change', { dev, up: true })),
]

/** Where the nodes of containers are, and the way to them. */
export function answersCopies(): Planned[] {
  const copies = copiesPriority()
  return [copies.table(TABLE.everyone, 1), copies.root(1, { link: TABLE.everyone })]
}

/** A container's place among everyone: its id is the slot. */
export const mirrorNode = (slot: number, dev: string): Planned =>
  copiesPriority().node(TABLE.everyone, 0, slot, { mirror: dev })

/** All that `create()` makes of it, in order. */
export const answersPlan = (host: HostFacts): Planned[] => [
  answersPair(host),
  ...answersLimits(host),
  ...answersCopies(),
]

const copiesPriority = (): U32Priority => new U32Priority(ANSWERS.far, PRIORITY.steering, 'all')

/** ANSWERS.limits counts bytes, but copies cost by the packet: each counts as one of full size. */
function limited(sort: Sort, host: HostFacts): Planned[] {
  const perSecond = answersPerSecond(sort, host)
  const mpu = Math.min(host.mtu + ETH_HLEN, LARGEST_MPU)
  const rate = perSecond * mpu
  const limit = Math.max(SHORTEST_QUEUE, Math.ceil(perSecond * QUEUE_SECONDS))
  const dev = ANSWERS.near
  return [
    plan(trafficClass, 'replace', {
      ...{ dev, parent: ANSWERS.limits, classid: classOf(sort), kind: 'htb' },
      ...{ rate, ceil: rate, burst: mpu, cburst: mpu, quantum: mpu, mpu },
    }),
    plan(qdisc, 'replace', { dev, parent: classOf(sort), handle: queueOf(sort), kind: 'pfifo', limit }),
  ]
}

const chosen = (sort: Sort, program: ReturnType<typeof ofProtocol>): Planned =>
  bpfFilter({
    dev: ANSWERS.near,
    parent: ANSWERS.limits,
    priority: PRIORITY.steering,
    protocol: 'all',
    handle: CLASS[sort],
    program,
    classid: classOf(sort),
  })
