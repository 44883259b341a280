import t from 'tap'
import { IPPROTO_TCP, IPPROTO_UDP } from '../helpers/packets.js'
import { STANDARD_VARIANTS, type Variant } from '../helpers/port-oracle.js'
import { everyPortArrives, NEARLY_ALL_PORTS, SEED } from './every-port.js'
import { needsIsolation, preparedTopology } from './isolated-topology.js'

/** How many containers share the ports. */
const CONTAINERS = 200

/** Errors of a router about packets that a container sent, in the shapes that tell tables and offsets apart. */
const ICMP_ERRORS: Variant[] = [
  { name: 'port unreachable, TCP', via: 'wire', protocol: IPPROTO_TCP, icmpError: { type: 3, code: 3 } },
  {
    name: 'time exceeded, UDP, IHL 6 quoting IHL 7',
    via: 'wire',
    protocol: IPPROTO_UDP,
    ihl: 6,
    icmpError: { type: 11, code: 0, ihl: 7 },
  },
]

t.test(
  `every port of ${CONTAINERS} containers arrives at its owner, seed ${SEED}`,
  needsIsolation(),
  async t => {
    const prepared = await preparedTopology(t, { containers: CONTAINERS, ...NEARLY_ALL_PORTS })
    await everyPortArrives(t, prepared, { toOwner: [...STANDARD_VARIANTS, ...ICMP_ERRORS] })
  },
)
