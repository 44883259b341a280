import { HOST_IP, HOST_MAC, REMOTE_IP } from '../helpers/topology.js'
import type { Check, Group } from './check.js'
import {
  cut,
  ELSEWHERE,
  errorAbout,
  FOREIGN,
  icmpOf,
  LOCALHOST,
  OWN,
  type Fields,
  type Quoted,
} from './frames.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const LOCAL: Fields = { to: HOST_MAC, destination: HOST_IP }
/** A datagram from a client of the host to a port of the container, by the address that both have. */
const FROM_HOST: Quoted = { source: HOST_IP, destination: HOST_IP, sourcePort: 40_000 }
const PORT_UNREACHABLE = { type: 3, code: 3 } as const

const TYPES: readonly (readonly [type: number, what: string])[] = [
  [0, 'echo reply'],
  [4, 'source quench'],
  [5, 'redirect'],
  [9, 'router advertisement'],
  [10, 'router solicitation'],
  [13, 'timestamp'],
  [14, 'timestamp reply'],
  [15, 'information request'],
  [17, 'address mask request'],
  [18, 'address mask reply'],
  [30, 'traceroute'],
  [42, 'extended echo request'],
  [200, 'an unassigned type'],
]

/** Of "unreachable", about a packet that did come to the container. */
const CODES: readonly (readonly [id: string, code: number, what: string])[] = [
  ['I01', 0, 'network unreachable'],
  ['I02', 1, 'host unreachable'],
  ['A27', 4, 'fragmentation needed'],
  ['I03', 5, 'source route failed'],
  ['I04', 13, 'administratively prohibited'],
]

/** What an error may not be about. */
const ABOUT: readonly (readonly [id: string, what: string, quoted: Quoted])[] = [
  ['A28', 'a packet to another container', { destinationPort: FOREIGN }],
  ['I05', "a packet to the host's own port", { destinationPort: 22 }],
  ['I06', 'a packet to another machine', { destination: ELSEWHERE }],
  ['I07', 'a packet that another machine sent', { source: ELSEWHERE }],
  ['I08', 'ICMP', { protocol: 1 }],
  ['I09', 'ESP with bytes like its own port', { protocol: 50 }],
  ['I10', 'a later fragment', { fragmentOffset: 8 }],
  ['I11', 'a packet with options', { options: Buffer.from([1, 1, 1, 1]) }],
]

/** A container pings, and says "not here" of its own ports. All else would be about others. */
export const icmps: Group = {
  name: 'ICMP of a container',
  checks: [
    ...TYPES.map(([type, what]): Check => ({
      id: `A26.${type}`,
      rule: what,
      ...c1Wire,
      frame: icmpOf({ type }),
    })),
    ...CODES.map(([id, code, what]): Check => ({
      id,
      rule: `${what}, about a packet to itself`,
      ...c1Wire,
      frame: errorAbout({ type: 3, code }, {}),
    })),
    {
      id: 'I12',
      rule: 'time exceeded, about a packet to itself',
      ...c1Wire,
      frame: errorAbout({ type: 11 }, {}),
    },
    {
      id: 'I13',
      rule: 'parameter problem, about a packet to itself',
      ...c1Wire,
      frame: errorAbout({ type: 12 }, {}),
    },
    ...ABOUT.map(([id, what, quoted]): Check => ({
      id,
      rule: `"unreachable" about ${what}`,
      ...c1Wire,
      frame: errorAbout(PORT_UNREACHABLE, quoted),
    })),
    {
      id: 'I14',
      rule: '"unreachable" from an address of elsewhere',
      ...c1Wire,
      frame: errorAbout(PORT_UNREACHABLE, {}, { source: ELSEWHERE }),
    },
    {
      id: 'I15',
      rule: '"unreachable" cut inside the quoted ports',
      ...c1Wire,
      frame: cut(69, errorAbout(PORT_UNREACHABLE, {})),
    },
    { id: 'I16', rule: 'an echo request with a code', ...c1Wire, frame: icmpOf({ type: 8, code: 1 }) },
    {
      id: 'A30',
      rule: 'a ping of 127.0.0.1, on the wire',
      ...c1Wire,
      frame: icmpOf({ type: 8 }, { destination: LOCALHOST }),
    },
    {
      id: 'A30b',
      rule: "a ping of the host's address, on the wire",
      ...c1Wire,
      frame: icmpOf({ type: 8 }, LOCAL),
    },
    {
      id: 'I17',
      rule: 'a raw ping of the host',
      from: 'c1',
      never: ['host'],
      frame: icmpOf({ type: 8 }, LOCAL),
    },
    {
      id: 'I18',
      rule: 'a redirect to the host',
      from: 'c1',
      never: ['host'],
      frame: icmpOf({ type: 5 }, LOCAL),
    },
    ...[
      ['I19', 'about a flow of another container', { ...FROM_HOST, destinationPort: FOREIGN }] as const,
      ['I20', 'about a flow of its own', { ...FROM_HOST, sourcePort: OWN + 1 }] as const,
      [
        'I21',
        "about the host's flow with a remote",
        { source: HOST_IP, destination: REMOTE_IP, sourcePort: 40_000 },
      ] as const,
      ['I22', 'about a packet from a remote', {}] as const,
    ].map(([id, what, quoted]): Check => ({
      id,
      rule: `"unreachable" to the host, ${what}`,
      from: 'c1',
      never: ['host', 'c1', 'c2'],
      frame: errorAbout(PORT_UNREACHABLE, quoted, LOCAL),
    })),
    {
      id: 'I23',
      rule: '"fragmentation needed" to the host',
      from: 'c1',
      never: ['host'],
      frame: errorAbout({ type: 3, code: 4 }, FROM_HOST, LOCAL),
    },
    {
      id: 'I24',
      rule: '"unreachable" to another container, about its flow with a remote',
      from: 'c1',
      never: ['c2'],
      frame: errorAbout(
        PORT_UNREACHABLE,
        { source: HOST_IP, destination: REMOTE_IP, sourcePort: FOREIGN },
        LOCAL,
      ),
    },
    {
      id: 'L08',
      rule: '"unreachable" to a remote, about a packet to itself',
      from: 'c1',
      frame: errorAbout(PORT_UNREACHABLE, {}),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
    {
      id: 'L27',
      rule: '"unreachable" to the host',
      from: 'c1',
      frame: errorAbout(PORT_UNREACHABLE, FROM_HOST, LOCAL),
      arrives: { host: 1, wire: 0, c2: 0 },
    },
    {
      id: 'L28',
      rule: '"unreachable" to another container',
      from: 'c1',
      frame: errorAbout(PORT_UNREACHABLE, { ...FROM_HOST, sourcePort: FOREIGN }, LOCAL),
      arrives: { c2: 1, wire: 0, host: 0 },
    },
  ],
}
