import t from 'tap'
import { PORT_PROTOCOL_NUMBERS } from '../../src/netlink/ip-protocols.js'
import { IPPROTO_TCP, IPPROTO_UDP } from '../helpers/packets.js'
import { STANDARD_VARIANTS, type Variant } from '../helpers/port-oracle.js'
import { everyPortArrives, NEARLY_ALL_PORTS, SEED } from './every-port.js'
import { HOST_IP6, HOST_LINK_LOCAL, preparedInet6, REMOTE_IP6, REMOTE_LINK_LOCAL } from './inet6-topology.js'
import { needsIsolation } from './isolated-topology.js'

/** How many containers share the ports. */
const CONTAINERS = 24

const fromRemote = { via: 'wire', source: REMOTE_IP6, destination: HOST_IP6 } as const
const withinLink = { via: 'wire', source: REMOTE_LINK_LOCAL, destination: HOST_LINK_LOCAL } as const

const TO_PORTS: Variant[] = Object.entries(PORT_PROTOCOL_NUMBERS).flatMap(([name, protocol]) => [
  { name: `wire, ${name}`, ...fromRemote, protocol },
  ...(protocol === IPPROTO_TCP || protocol === IPPROTO_UDP
    ? [
        { name: `wire, link-local, ${name}`, ...withinLink, protocol },
        { name: `lo, ${name}`, via: 'lo' as const, destination: HOST_IP6, protocol },
        { name: `lo ::1, ${name}`, via: 'lo' as const, destination: '::1', protocol },
      ]
    : []),
])

/** With a priority tag, and as the kernel sends superframes (BIG TCP). */
const OTHERWISE: Variant[] = [
  { name: 'priority tag, UDP', ...fromRemote, protocol: IPPROTO_UDP, vlans: [0x6000] },
  { name: 'link-local, priority tag, TCP', ...withinLink, protocol: IPPROTO_TCP, vlans: [0] },
  { name: 'jumbo option, TCP', ...fromRemote, protocol: IPPROTO_TCP, before: 'jumbo' },
]

/** About packets that a container sent: unreachable, too big, time exceeded, parameter problem. */
const ERRORS: Variant[] = [
  { type: 1, code: 4, protocol: IPPROTO_TCP, ...fromRemote },
  { type: 2, code: 0, protocol: IPPROTO_TCP, ...fromRemote },
  { type: 3, code: 0, protocol: IPPROTO_UDP, ...withinLink },
  { type: 4, code: 1, protocol: IPPROTO_UDP, ...fromRemote },
  { type: 1, code: 4, protocol: IPPROTO_UDP, via: 'lo' as const, destination: HOST_IP6 },
].map(({ type, code, ...variant }) => ({
  name: `${variant.via}, error ${type}/${code} about protocol ${variant.protocol}`,
  ...variant,
  icmpError: { type, code },
}))

/** Ports behind extension headers are nobody's: such packets are the host's. */
const EXTENDED: Variant[] = [
  { name: 'destination options', before: 60 },
  { name: 'a fragment header', before: 44 },
].map(variant => ({ ...variant, ...fromRemote, protocol: IPPROTO_UDP }))

t.test(
  `every port of ${CONTAINERS} containers arrives at its owner in both families, seed ${SEED}`,
  needsIsolation(),
  async t => {
    const prepared = await preparedInet6(t, { containers: CONTAINERS, ...NEARLY_ALL_PORTS })
    const inet = STANDARD_VARIANTS.filter(({ ihl }) => ihl === 5)
    await everyPortArrives(t, prepared, {
      toOwner: [...TO_PORTS, ...OTHERWISE, ...ERRORS, ...inet],
      toHost: EXTENDED,
    })
  },
)
