import { HOST_MAC } from '../helpers/topology.js'
import { HOST_IP6 } from '../isolator/inet6-topology.js'
import type { Check, Group } from './check.js'
import { twins } from './family.js'
import { FOREIGN, HOST_PORT, OWN } from './frames.js'
import { extended, ported6, type Fields6 } from './frames6.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const LOCAL = { to: HOST_MAC, destination: HOST_IP6 } as const
const toHost: Fields6 = { ...LOCAL, destinationPort: HOST_PORT }
const toC2: Fields6 = { ...LOCAL, destinationPort: FOREIGN }

// Next headers (IANA).
const [HOP_BY_HOP, ROUTING, FRAGMENT, AH, NO_NEXT, DESTINATION] = [0, 43, 44, 51, 59, 60]
const [MOBILITY, HIP, SHIM6] = [135, 139, 140]

type Header = readonly [number: number, bytes: readonly number[]]

/** A header of 8 bytes with options; the first byte is its length in units of 8 beyond the first. */
const options = (number: number, ...bytes: readonly number[]): Header => [
  number,
  [0, ...bytes, ...Array<number>(6 - bytes.length).fill(0)],
]
/** An offset in bytes, a multiple of 8, and whether more follow. */
const fragment = (offset: number, more: boolean): Header => [
  FRAGMENT,
  [0, offset >> 8, (offset & 0xff) | (more ? 1 : 0), 0, 0, 0x47, 0x11],
]
const ownPorts = [OWN >> 8, OWN & 255, 0, 53] as const

const HOP: Header = options(HOP_BY_HOP, 1, 4)
const ATOMIC = fragment(0, false)

/** What IP options are: before the ports, or instead of them. */
const TWINS: readonly (readonly [id: string, headers: readonly Header[], what: string])[] = [
  ['A14', [[HOP_BY_HOP, [0, ...ownPorts, 1, 0]]], 'hop-by-hop options that look like its own ports'],
  ['O01', [options(DESTINATION, 0x3e, 4)], 'destination options with an unknown one'],
  ['O02', [options(ROUTING, 0, 1)], 'a routing header of type 0 (RFC 5095)'],
  ['O03', [options(ROUTING, 4, 1)], 'segment routing'],
  ['O04', [options(HOP_BY_HOP, 5, 2, 0, 0)], 'router alert'],
  ['O05', [options(HOP_BY_HOP, 0x31, 4)], 'in-situ measurement (IOAM)'],
  ['O06', [HOP], 'hop-by-hop options that do nothing'],
]

const EXTENSIONS: readonly (readonly [id: string, headers: readonly Header[], what: string])[] = [
  ['EH1', [options(DESTINATION, 1, 4)], 'destination options'],
  ['EH2', [options(DESTINATION, 0xc9, 4)], 'the home address option'],
  ['EH3', [options(ROUTING, 2, 1)], 'a routing header of mobile IPv6'],
  ['EH4', [options(ROUTING, 3, 1)], 'a routing header of RPL'],
  ['EH5', [options(ROUTING, 253, 0)], 'an unknown routing header with no segments left'],
  ['EH6', [HOP, options(DESTINATION, 1, 4)], 'two headers'],
  ['EH7', [options(DESTINATION, 1, 4), HOP], 'hop-by-hop options behind others'],
  ['EH8', Array<Header>(9).fill(options(DESTINATION, 1, 4)), 'nine headers'],
  ['EH9', [HOP, ATOMIC], 'hop-by-hop options and an atomic fragment'],
  ['EH10', [options(AH, 1, 4)], 'an authentication header'],
  ['EH11', [options(NO_NEXT)], 'no next header, and ports behind'],
  ['EH12', [options(MOBILITY)], 'mobility'],
  ['EH13', [options(HIP)], 'the host identity protocol'],
  ['EH14', [options(SHIM6)], 'shim6'],
  ['EH15', [[HOP_BY_HOP, [255, 1, 4, 0, 0, 0, 0]]], 'a header longer than the packet'],
  ['EH16', [[HOP_BY_HOP, [0, 0xc2, 4, 0, 1, 0, 0]]], 'a jumbo option beside a length'],
  ['EH17', [options(HOP_BY_HOP, 7, 4, 10, 9, 0)], 'a label of security (CALIPSO)'],
  ['EH18', [options(ROUTING, 0, 0)], 'a routing header of type 0 with nothing left'],
]

const FRAGMENTS: readonly (readonly [
  id: string,
  headers: readonly Header[],
  what: string,
  fields?: Fields6,
])[] = [
  ['A16', [fragment(1480, false)], 'a later fragment with bytes like its own ports'],
  ['F01', [fragment(0, true)], 'a first fragment'],
  ['F02', [fragment(8, true)], 'a fragment that would overwrite the ports (RFC 5722)'],
  ['F03', [fragment(65_528, false)], 'the last possible fragment (ping of death)'],
  ['F04', [fragment(8, false)], 'a TCP fragment', { protocol: 6 }],
  ['F05', [fragment(8, false)], 'an ICMPv6 fragment', { protocol: 58 }],
]

const MORE_FRAGMENTS: readonly (readonly [
  id: string,
  headers: readonly Header[],
  what: string,
  fields?: Fields6,
])[] = [
  ['FA1', [ATOMIC], 'an atomic fragment (RFC 6946)'],
  ['FA2', [ATOMIC], 'an atomic fragment of TCP', { protocol: 6 }],
  [
    'FA3',
    [ATOMIC],
    'an atomic fragment of ICMPv6, as of a hidden advertisement (RFC 6980)',
    { protocol: 58 },
  ],
  ['FA4', [[FRAGMENT, [0xff, 0, 6, 0, 0, 0, 1]]], 'a fragment header with reserved bits'],
  ['FA5', [ATOMIC, ATOMIC], 'a fragment in a fragment'],
  ['FA6', [fragment(0, true), options(DESTINATION, 1, 4)], 'a first fragment without the ports (RFC 7112)'],
]

const row = ([id, headers, rule, fields]: (typeof MORE_FRAGMENTS)[number]): Check => ({
  id,
  rule,
  ...c1Wire,
  frame: extended(headers, fields),
})
const rowOfOptions = ([id, headers, rule]: (typeof EXTENSIONS)[number]): Check => ({
  id,
  rule,
  ...c1Wire,
  frame: extended(headers, id === 'A14' ? { sourcePort: FOREIGN } : {}),
})

/** Only headers without extensions carry ports where the rules look; only whole datagrams carry them at all. */
export const headers6: Group = {
  name: 'Extension headers and fragments',
  checks: [
    ...twins([
      ...TWINS.map(rowOfOptions),
      {
        id: 'O07',
        rule: 'hop-by-hop options to the host',
        from: 'c1',
        never: ['host'],
        frame: extended([HOP], toHost),
      },
      ...FRAGMENTS.map(row),
      {
        id: 'F06',
        rule: 'a later fragment to another container',
        from: 'c1',
        never: ['c2', 'host'],
        frame: extended([fragment(8, false)], toC2),
      },
      {
        id: 'F07',
        rule: 'a first fragment to another container',
        from: 'c1',
        never: ['c2', 'host'],
        frame: extended([fragment(0, true)], toC2),
      },
      {
        id: 'L26',
        rule: 'hop limit 1 (traceroute)',
        from: 'c1',
        frame: ported6({ hopLimit: 1 }),
        arrives: { wire: 1 },
      },
    ]),
    ...EXTENSIONS.map(rowOfOptions),
    ...MORE_FRAGMENTS.map(row),
    ...[...EXTENSIONS, ...MORE_FRAGMENTS].map(([id, headers, what]): Check => ({
      id: `${id}h`,
      rule: `${what}, to the host`,
      from: 'c1',
      never: ['host', 'c2'],
      frame: extended(headers, toHost),
    })),
    {
      id: 'FA7',
      rule: 'an atomic fragment to another container',
      from: 'c1',
      never: ['c2', 'host'],
      frame: extended([ATOMIC], toC2),
    },
    {
      id: 'J1',
      rule: 'a jumbogram',
      ...c1Wire,
      frame: extended([[HOP_BY_HOP, [0, 0xc2, 4, 0, 1, 0, 0]]], { length: 0 }),
    },
    {
      id: 'J2',
      rule: 'a jumbogram to the host, which the tables of the wire would follow',
      from: 'c1',
      never: ['host', 'c2'],
      frame: extended([[HOP_BY_HOP, [0, 0xc2, 4, 0, 1, 0, 0]]], { ...toHost, protocol: 6, length: 0 }),
    },
    {
      id: 'J3',
      rule: 'a jumbogram to another container, which the tables of lo would follow',
      from: 'c1',
      never: ['host', 'c2'],
      frame: extended([[HOP_BY_HOP, [0, 0xc2, 4, 0, 1, 0, 0]]], { ...toC2, protocol: 6, length: 0 }),
    },
  ],
}
