import { HOST_MAC } from '../helpers/topology.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'
import { HOST_IP6, NOT_SHARED, REMOTE_IP6 } from '../isolator/inet6-topology.js'
import type { Check, Group } from './check.js'
import { twins } from './family.js'
import { cut, FOREIGN, OWN } from './frames.js'
import { ELSEWHERE6, errorAbout6, icmp6Of, type Fields6, type Quoted6 } from './frames6.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const LOCAL: Fields6 = { to: HOST_MAC, destination: HOST_IP6 }
/** A datagram from a client of the host to a port of the container, by the address that both have. */
const FROM_HOST: Quoted6 = { source: HOST_IP6, destination: HOST_IP6, sourcePort: 40_000 }
const PORT_UNREACHABLE = { type: 1, code: 4 } as const

/** What IPv4's types are, but for those of neighbour discovery and of groups, which have groups of their own. */
const TWINS_OF_TYPES: readonly (readonly [row: number, type: number, what: string])[] = [
  [0, 129, 'echo reply'],
  [13, 139, 'node information query'],
  [14, 140, 'node information response'],
  [15, 141, 'inverse solicitation'],
  [17, 142, 'inverse advertisement'],
  [30, 138, 'router renumbering'],
  [42, 160, 'extended echo request'],
  [200, 220, 'an unassigned type'],
]

const TYPES: readonly (readonly [type: number, what: string])[] = [
  [0, 'the reserved type 0'],
  [5, 'an unassigned error'],
  [100, 'an error for experiments'],
  [127, 'the reserved type of errors'],
  [144, 'home agents asked for'],
  [146, 'a prefix of a mobile node asked for'],
  [148, 'a certification path asked for (SEND)'],
  [149, 'a certification path (SEND)'],
  [151, 'an advertisement of a router of groups'],
  [154, 'fast handover'],
  [155, 'RPL'],
  [157, 'duplicate addresses asked for (6LoWPAN)'],
  [161, 'extended echo reply'],
  [255, 'the reserved type of messages'],
]

/** Of errors, about a packet that did come to the container. */
const TWINS_OF_CODES: readonly (readonly [id: string, type: number, code: number, what: string])[] = [
  ['I01', 1, 0, 'no route'],
  ['I02', 1, 3, 'address unreachable'],
  ['A27', 2, 0, 'packet too big'],
  ['I03', 1, 5, 'source address failed policy'],
  ['I04', 1, 1, 'administratively prohibited'],
]
const CODES: readonly (readonly [id: string, type: number, code: number, what: string])[] = [
  ['IE1', 1, 2, 'beyond the scope of the source'],
  ['IE2', 1, 6, 'the route rejects it'],
  ['IE3', 1, 7, 'an error in a source route'],
  ['IE4', 3, 1, 'reassembly time exceeded'],
  ['IE5', 4, 2, 'unrecognized option'],
  ['IE6', 4, 3, 'an incomplete chain of headers'],
  ['IE7', 2, 1, 'packet too big with a code'],
  ['IE8', 1, 200, 'unreachable with an unassigned code'],
]

/** What an error may not be about. */
const ABOUT: readonly (readonly [id: string, what: string, quoted: Quoted6])[] = [
  ['A28', 'a packet to another container', { destinationPort: FOREIGN }],
  ['I05', "a packet to the host's own port", { destinationPort: 22 }],
  ['I06', 'a packet to another machine', { destination: ELSEWHERE6 }],
  ['I07', 'a packet that another machine sent', { source: ELSEWHERE6 }],
  ['I08', 'ICMPv6', { protocol: 58 }],
  ['I09', 'ESP with bytes like its own port', { protocol: 50 }],
  ['I10', 'a fragment', { protocol: 44 }],
  ['I11', 'a packet with hop-by-hop options', { protocol: 0 }],
]
const ABOUT_MORE: readonly (readonly [id: string, what: string, quoted: Quoted6])[] = [
  ['IA1', 'a packet of IP version 4', { version: 4 }],
  ['IA2', "a packet to the host's address that is not shared", { destination: NOT_SHARED }],
  ['IA3', 'a packet to ::1', { destination: LOOPBACK6 }],
  ['IA4', 'a packet from ::1', { source: LOOPBACK6 }],
  ['IA5', 'a packet in a tunnel', { protocol: 41 }],
  ['IA6', 'a packet with destination options', { protocol: 60 }],
  ['IA7', 'a packet of ICMP of IPv4', { protocol: 1 }],
]

const TO_HOST: readonly (readonly [id: string, what: string, quoted: Quoted6])[] = [
  ['I19', 'about a flow of another container', { ...FROM_HOST, destinationPort: FOREIGN }],
  ['I20', 'about a flow of its own', { ...FROM_HOST, sourcePort: OWN + 1 }],
  [
    'I21',
    "about the host's flow with a remote",
    { source: HOST_IP6, destination: REMOTE_IP6, sourcePort: 40_000 },
  ],
  ['I22', 'about a packet from a remote', {}],
]

const errorRow =
  (fields: Fields6 = {}) =>
  ([id, type, code, what]: (typeof CODES)[number]): Check => ({
    id,
    rule: `${what}, about a packet to itself`,
    ...c1Wire,
    frame: errorAbout6({ type, code }, {}, fields),
  })
const aboutRow = ([id, what, quoted]: (typeof ABOUT)[number]): Check => ({
  id,
  rule: `"port unreachable" about ${what}`,
  ...c1Wire,
  frame: errorAbout6(PORT_UNREACHABLE, quoted),
})

/** A container pings, and says "not here" of its own ports. All else would be about others. */
export const icmps6: Group = {
  name: 'ICMPv6 of a container',
  checks: [
    ...twins([
      ...TWINS_OF_TYPES.map(([row, type, what]): Check => ({
        id: `A26.${row}`,
        rule: what,
        ...c1Wire,
        frame: icmp6Of({ type }),
      })),
      ...TWINS_OF_CODES.map(errorRow()),
      ...(
        [
          ['I12', 3, 0, 'time exceeded'],
          ['I13', 4, 0, 'an erroneous header'],
        ] as const
      ).map(errorRow()),
      ...ABOUT.map(aboutRow),
      {
        id: 'I14',
        rule: '"port unreachable" from an address of elsewhere',
        ...c1Wire,
        frame: errorAbout6(PORT_UNREACHABLE, {}, { source: ELSEWHERE6 }),
      },
      {
        id: 'I15',
        rule: '"port unreachable" cut inside the quoted ports',
        ...c1Wire,
        frame: cut(105, errorAbout6(PORT_UNREACHABLE, {})),
      },
      { id: 'I16', rule: 'an echo request with a code', ...c1Wire, frame: icmp6Of({ type: 128, code: 1 }) },
      {
        id: 'A30',
        rule: 'a ping of ::1, on the wire',
        ...c1Wire,
        frame: icmp6Of({ type: 128 }, { destination: LOOPBACK6 }),
      },
      {
        id: 'A30b',
        rule: "a ping of the host's address, on the wire",
        ...c1Wire,
        frame: icmp6Of({ type: 128 }, LOCAL),
      },
      {
        id: 'I17',
        rule: 'a raw ping of the host',
        from: 'c1',
        never: ['host'],
        frame: icmp6Of({ type: 128 }, LOCAL),
      },
      ...TO_HOST.map(([id, what, quoted]): Check => ({
        id,
        rule: `"port unreachable" to the host, ${what}`,
        from: 'c1',
        never: ['host', 'c1', 'c2'],
        frame: errorAbout6(PORT_UNREACHABLE, quoted, LOCAL),
      })),
      {
        id: 'I23',
        rule: '"packet too big" to the host',
        from: 'c1',
        never: ['host'],
        frame: errorAbout6({ type: 2 }, FROM_HOST, LOCAL),
      },
      {
        id: 'I24',
        rule: '"port unreachable" to another container, about its flow with a remote',
        from: 'c1',
        never: ['c2'],
        frame: errorAbout6(
          PORT_UNREACHABLE,
          { source: HOST_IP6, destination: REMOTE_IP6, sourcePort: FOREIGN },
          LOCAL,
        ),
      },
      {
        id: 'L08',
        rule: '"port unreachable" to a remote, about a packet to itself',
        from: 'c1',
        frame: errorAbout6(PORT_UNREACHABLE, {}),
        arrives: { wire: 1, host: 0, c2: 0 },
      },
      {
        id: 'L27',
        rule: '"port unreachable" to the host',
        from: 'c1',
        frame: errorAbout6(PORT_UNREACHABLE, FROM_HOST, LOCAL),
        arrives: { host: 1, wire: 0, c2: 0 },
      },
      {
        id: 'L28',
        rule: '"port unreachable" to another container',
        from: 'c1',
        frame: errorAbout6(PORT_UNREACHABLE, { ...FROM_HOST, sourcePort: FOREIGN }, LOCAL),
        arrives: { c2: 1, wire: 0, host: 0 },
      },
    ]),
    ...TYPES.map(([type, what]): Check => ({
      id: `IT.${type}`,
      rule: what,
      ...c1Wire,
      frame: icmp6Of({ type }),
    })),
    ...CODES.map(errorRow()),
    ...ABOUT_MORE.map(aboutRow),
    ...([2, 3, 4] as const).map((type): Check => ({
      id: `IL.${type}`,
      rule: `an error of type ${type} to another container, about its flow with the sender`,
      from: 'c1',
      never: ['c2', 'host'],
      frame: errorAbout6({ type }, { ...FROM_HOST, sourcePort: FOREIGN }, LOCAL),
    })),
    {
      id: 'IL.5',
      rule: '"packet too big" to another container, about its flow with a remote',
      from: 'c1',
      never: ['c2', 'host'],
      frame: errorAbout6(
        { type: 2 },
        { source: HOST_IP6, destination: REMOTE_IP6, sourcePort: FOREIGN },
        { ...LOCAL, source: REMOTE_IP6 },
      ),
    },
    {
      id: 'IL.6',
      rule: 'an echo reply to another container',
      from: 'c1',
      never: ['c2', 'host'],
      frame: icmp6Of({ type: 129 }, LOCAL),
    },
    {
      id: 'IL.7',
      rule: '"port unreachable" by ::1, about a flow of another container',
      from: 'c1',
      never: ['c2', 'host'],
      frame: errorAbout6(
        PORT_UNREACHABLE,
        { source: LOOPBACK6, destination: LOOPBACK6, sourcePort: 40_000, destinationPort: FOREIGN },
        { to: HOST_MAC, source: LOOPBACK6, destination: LOOPBACK6 },
      ),
    },
    {
      id: 'L08b',
      rule: '"unrecognized next header" to a remote, about a packet to itself',
      from: 'c1',
      frame: errorAbout6({ type: 4, code: 1 }, {}),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
    {
      id: 'L28b',
      rule: '"port unreachable" to another container, by ::1',
      from: 'c1',
      frame: errorAbout6(
        PORT_UNREACHABLE,
        { source: LOOPBACK6, destination: LOOPBACK6, sourcePort: FOREIGN },
        { to: HOST_MAC, source: LOOPBACK6, destination: LOOPBACK6 },
      ),
      arrives: { c2: 1, wire: 0, host: 0 },
    },
  ],
}
