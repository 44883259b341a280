import { ETH_P_8021Q } from '../helpers/packets.js'
import { macOption, solicitedNode } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'
import {
  ELSEWHERE_ON_HOST,
  HOST_IP6,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_IP6,
  REMOTE_LINK_LOCAL,
} from '../isolator/inet6-topology.js'
import type { Check, Group, Place } from './check.js'
import { twins } from './family.js'
import { FOREIGN, HOST_PORT, OWN, type Frame } from './frames.js'
import {
  advertisement6,
  ALL_NODES,
  ELSEWHERE6,
  errorAbout6,
  extended,
  groupMac,
  icmp6Of,
  INBOUND6,
  NEIGHBOUR6,
  ported6,
  SOLICITED,
  solicitation6,
  syn6,
  TO_ALL_NODES,
  WITHIN_LINK,
  type Discovery,
  type Fields6,
} from './frames6.js'
import { ETH_P_8021AD, retagged } from './links.js'

const notC1 = { from: 'remote', never: ['c1'] } as const
const nowhere = { from: 'remote', never: ['c1', 'c2'] } as const
/** Into nobody, the host not excepted. */
const dropped = { from: 'remote', never: ['c1', 'c2', 'host'] } as const
const toC1: Fields6 = { ...INBOUND6, sourcePort: 53, destinationPort: OWN }
const toHost: Fields6 = { ...INBOUND6, sourcePort: 53, destinationPort: HOST_PORT }
const fromHost = { source: HOST_IP6, destination: REMOTE_IP6, destinationPort: 53 } as const

/** Whom the wire may not be. */
const MARTIANS: readonly (readonly [id: string, source: string, what: string])[] = [
  ['R01', HOST_IP6, "the host's address"],
  ['R02', LOOPBACK6, '::1'],
  ['R07', '::127.9.9.9', 'a compatible loopback address'],
  ['R29', NOT_SHARED, "the host's other address"],
]
const MORE_MARTIANS: readonly (readonly [id: string, source: string, what: string])[] = [
  ['MA1', ELSEWHERE_ON_HOST, "the host's address on another interface"],
  ['MA2', HOST_LINK_LOCAL, "the host's link-local address"],
  ['MA3', '::ffff:10.9.0.2', "the host's IPv4 address, mapped"],
  ['MA4', '::ffff:127.0.0.1', '127.0.0.1, mapped'],
  ['MA5', '::10.9.0.2', "the host's IPv4 address, compatible"],
  ['MA6', '::2', 'an address next to ::1'],
]

const INTO: readonly (readonly [id: string, destination: string, what: string])[] = [
  ['MB1', '::ffff:10.9.0.2', "the host's IPv4 address, mapped"],
  ['MB2', '::10.9.0.2', "the host's IPv4 address, compatible"],
  ['MB3', '::', 'the unspecified address'],
]

/** An advertisement to the host that another has the address. */
const about = (target: string, fields: Discovery = {}): Frame =>
  advertisement6({
    ...INBOUND6,
    ...{ source: target, target, options: macOption(2, REMOTE_MAC), rest: SOLICITED },
    ...fields,
  })

const everyone = { c1: 1, c2: 1, host: 1 } as const
const onlyHost = { c1: 0, c2: 0, host: 1 } as const

const ERRORS = [1, 2, 3, 4] as const

/** From the wire: nobody is the host, and what is not for a container's port does not get there. */
export const inbound6: Group = {
  name: 'From the wire, IPv6',
  checks: [
    ...twins([
      ...MARTIANS.map(([id, source, what]): Check => ({
        id,
        rule: `${what} as source`,
        ...dropped,
        frame: ported6({ ...toC1, source, sourcePort: FOREIGN }),
      })),
      {
        id: 'R30',
        rule: "the host's other address as source, behind a priority tag",
        ...dropped,
        frame: ported6({ ...toC1, source: NOT_SHARED, sourcePort: 2000, vlans: [0] }),
      },
      {
        id: 'L37',
        rule: "a container's port is the host's at the host's other address",
        from: 'remote',
        frame: ported6({ ...toC1, destination: NOT_SHARED }),
        arrives: onlyHost,
      },
      {
        id: 'R09',
        rule: "the host's address as source, behind a priority tag",
        ...dropped,
        frame: ported6({ ...toC1, source: HOST_IP6, vlans: [0] }),
      },
      {
        id: 'R03',
        rule: "the host's address as source, TCP",
        ...dropped,
        frame: syn6({ ...toC1, source: HOST_IP6, sourcePort: FOREIGN }),
      },
      ...(
        [
          ['R04', 50, 'ESP'],
          ['R12', 51, 'AH'],
          ['R13', 47, 'GRE'],
        ] as const
      ).map(([id, protocol, what]): Check => ({
        id,
        rule: `${what} with bytes like a port of a container`,
        ...notC1,
        control: 'classic',
        frame: ported6({ ...toC1, protocol }),
      })),
      {
        id: 'R05f',
        rule: 'a fragment header with such bytes, a later fragment by them',
        ...notC1,
        control: 'classic',
        frame: ported6({ ...toC1, protocol: 44 }),
      },
      {
        id: 'R14',
        rule: 'hop-by-hop options with such bytes',
        ...notC1,
        control: 'classic',
        frame: ported6({ ...toC1, protocol: 0 }),
      },
      { id: 'A24', rule: 'a ping', ...nowhere, control: 'classic', frame: icmp6Of({ type: 128 }, INBOUND6) },
      {
        id: 'R06',
        rule: 'a ping, fragmented',
        from: 'remote',
        frame: extended([[44, [0, 0, 1, 0, 0, 0, 7]]], { ...INBOUND6, protocol: 58 }),
        arrives: onlyHost,
      },
      {
        id: 'A43',
        rule: "an echo reply to another container's ping",
        from: 'remote',
        never: ['c2'],
        control: 'classic',
        frame: icmp6Of({ type: 129, rest: Buffer.from([4, 3, 0, 1]) }, INBOUND6),
      },
      {
        id: 'A22',
        rule: 'who has the host’s address, to it alone',
        ...nowhere,
        control: 'classic',
        frame: solicitation6({
          ...INBOUND6,
          ...{ target: HOST_IP6, options: macOption(1, REMOTE_MAC) },
        }),
      },
      {
        id: 'R15',
        rule: 'a node information query',
        ...nowhere,
        control: 'classic',
        frame: icmp6Of({ type: 139 }, INBOUND6),
      },
      {
        id: 'R16',
        rule: 'an inverse solicitation',
        ...nowhere,
        control: 'classic',
        frame: icmp6Of({ type: 141 }, INBOUND6),
      },
      {
        id: 'A29',
        rule: "an error about another container's packet",
        ...notC1,
        control: 'classic',
        frame: errorAbout6({ type: 1, code: 4 }, { ...fromHost, sourcePort: FOREIGN }, INBOUND6),
      },
      {
        id: 'R18',
        rule: "an error about the host's packet",
        ...nowhere,
        control: 'classic',
        frame: errorAbout6({ type: 3 }, { ...fromHost, sourcePort: 40_000 }, INBOUND6),
      },
      {
        id: 'R19',
        rule: 'an error about a packet that is not of this address',
        ...nowhere,
        control: 'classic',
        frame: errorAbout6(
          { type: 1, code: 4 },
          { ...fromHost, source: ELSEWHERE6, sourcePort: OWN },
          INBOUND6,
        ),
      },
      {
        id: 'R20',
        rule: 'an advertisement to the host of a neighbour that is no gateway',
        ...nowhere,
        control: 'classic',
        frame: about(NEIGHBOUR6),
      },
      {
        id: 'R21',
        rule: 'an unsolicited advertisement of another than the gateway',
        from: 'remote',
        frame: about(NEIGHBOUR6, TO_ALL_NODES),
        arrives: onlyHost,
      },
      {
        id: 'L01',
        rule: 'UDP to a container',
        from: 'remote',
        frame: ported6(toC1),
        arrives: { c1: 1, c2: 0, host: 0 },
      },
      {
        id: 'L01b',
        rule: 'TCP to a container',
        from: 'remote',
        frame: syn6(toC1),
        arrives: { c1: 1, c2: 0, host: 0 },
      },
      {
        id: 'L01c',
        rule: 'UDP to the other container',
        from: 'remote',
        frame: ported6({ ...toC1, destinationPort: FOREIGN }),
        arrives: { c1: 0, c2: 1, host: 0 },
      },
      { id: 'L15f', rule: 'UDP to the host', from: 'remote', frame: ported6(toHost), arrives: onlyHost },
      {
        id: 'R10',
        rule: 'UDP to the host behind options that look like a port',
        from: 'remote',
        frame: extended([[60, [0, 0, 53, OWN >> 8, OWN & 255, 1, 0]]], toHost),
        arrives: onlyHost,
      },
      {
        id: 'L29',
        rule: "UDP to a container behind destination options, which is the host's",
        from: 'remote',
        frame: extended([[60, [0, 1, 4, 0, 0, 0, 0]]], toC1),
        arrives: onlyHost,
      },
      {
        id: 'L20i',
        rule: 'SCTP to a container',
        from: 'remote',
        frame: ported6({ ...toC1, protocol: 132 }),
        arrives: { c1: 1, c2: 0, host: 0 },
      },
      {
        id: 'L24',
        rule: 'UDP to a container, priority-tagged',
        from: 'remote',
        frame: ported6({ ...toC1, vlans: [0x6000] }),
        arrives: { c1: 1, c2: 0 },
      },
      {
        id: 'L10',
        rule: '"packet too big" about a container\'s packet',
        from: 'remote',
        frame: errorAbout6(
          { type: 2, rest: Buffer.from([0, 0, 5, 0]) },
          { ...fromHost, sourcePort: OWN },
          INBOUND6,
        ),
        arrives: { c1: 1, c2: 0, host: 0 },
      },
      {
        id: 'L22',
        rule: 'an error about a ping, to whoever pinged',
        from: 'remote',
        frame: errorAbout6({ type: 3 }, { ...fromHost, protocol: 58 }, INBOUND6),
        arrives: everyone,
      },
      {
        id: 'L30',
        rule: 'an echo reply, to whoever pinged',
        from: 'remote',
        frame: icmp6Of({ type: 129 }, INBOUND6),
        arrives: everyone,
      },
      {
        id: 'L18',
        rule: "the gateway's unsolicited advertisement",
        from: 'remote',
        frame: about(REMOTE_LINK_LOCAL, TO_ALL_NODES),
        arrives: { c1: 1, c2: 1 },
      },
      ...strangers(),
    ]),
    ...MORE_MARTIANS.map(([id, source, what]): Check => ({
      id,
      rule: `${what} as source`,
      ...dropped,
      frame: ported6({ ...toC1, source }),
    })),
    ...INTO.map(([id, destination, what]): Check => ({
      id,
      rule: `${what} as destination`,
      ...dropped,
      frame: ported6({ ...toC1, destination }),
    })),
    {
      id: 'MB4',
      rule: '::1 as destination and source',
      ...dropped,
      frame: ported6({ ...toC1, source: LOOPBACK6, destination: LOOPBACK6 }),
    },
    {
      id: 'MB5',
      rule: '::1 as destination, behind a priority tag',
      ...dropped,
      frame: ported6({ ...toC1, destination: LOOPBACK6, vlans: [0xe000] }),
    },
    {
      id: 'MA7',
      rule: "the host's link-local address to itself",
      ...dropped,
      frame: ported6({ ...toC1, source: HOST_LINK_LOCAL, destination: HOST_LINK_LOCAL }),
    },
    {
      id: 'MA8',
      rule: 'a ping from the host to all nodes (smurf)',
      ...dropped,
      frame: icmp6Of({ type: 128 }, { ...INBOUND6, ...TO_ALL_NODES, source: HOST_IP6 }),
    },
    {
      id: 'MA9',
      rule: "an error in the host's name about a container's packet",
      ...dropped,
      frame: errorAbout6({ type: 2 }, { ...fromHost, sourcePort: OWN }, { ...INBOUND6, source: HOST_IP6 }),
    },
    {
      id: 'MA10',
      rule: "a solicitation in the host's name",
      ...dropped,
      frame: solicitation6({ mac: REMOTE_MAC, source: HOST_LINK_LOCAL, target: HOST_IP6, to: HOST_MAC }),
    },
    ...ERRORS.flatMap((type): Check[] => [
      {
        id: `LE.${type}`,
        rule: `an error of type ${type} about a container's packet`,
        from: 'remote',
        frame: errorAbout6({ type }, { ...fromHost, sourcePort: OWN }, INBOUND6),
        arrives: { c1: 1, c2: 0, host: 0 },
      },
      {
        id: `RE.${type}`,
        rule: `an error of type ${type} about a packet from an address that is not shared`,
        from: 'remote',
        frame: errorAbout6(
          { type },
          { ...fromHost, source: NOT_SHARED, sourcePort: OWN },
          { ...INBOUND6, destination: NOT_SHARED },
        ),
        arrives: onlyHost,
      },
    ]),
    ...(
      [
        ['RE.5', 'hop-by-hop options', 0],
        ['RE.6', 'a fragment', 44],
        ['RE.7', 'ESP', 50],
        ['RE.8', 'a tunnel', 41],
      ] as const
    ).map(([id, what, protocol]): Check => ({
      id,
      rule: `an error about ${what} with bytes like a container's port`,
      from: 'remote',
      frame: errorAbout6({ type: 2 }, { ...fromHost, sourcePort: OWN, protocol }, INBOUND6),
      arrives: onlyHost,
    })),
    {
      id: 'RE.9',
      rule: 'an error of an unknown type',
      ...nowhere,
      control: 'classic',
      frame: errorAbout6({ type: 100 }, { ...fromHost, sourcePort: OWN }, INBOUND6),
    },
    {
      id: 'L01d',
      rule: 'UDP between link-local addresses to a container',
      from: 'remote',
      frame: ported6({ ...WITHIN_LINK, sourcePort: 53, destinationPort: OWN }),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L01e',
      rule: 'UDP with a flow label and a traffic class to a container',
      from: 'remote',
      frame: ported6({ ...toC1, flowLabel: 0xf_ffff, trafficClass: 0xff }),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L30b',
      rule: 'an echo reply to the link-local address',
      from: 'remote',
      frame: icmp6Of({ type: 129 }, WITHIN_LINK),
      arrives: everyone,
    },
    {
      id: 'L18b',
      rule: "the gateway's solicited advertisement",
      from: 'remote',
      frame: about(REMOTE_LINK_LOCAL, { destination: HOST_LINK_LOCAL }),
      arrives: everyone,
    },
    {
      id: 'DAD1',
      rule: 'that somebody else has the shared address: the host has to know',
      from: 'remote',
      frame: about(HOST_IP6, TO_ALL_NODES),
      arrives: onlyHost,
    },
    {
      id: 'DAD2',
      rule: 'that somebody looks for duplicates of the shared address',
      from: 'remote',
      frame: solicitation6({
        ...{ mac: REMOTE_MAC, source: '::', target: HOST_IP6, options: Buffer.alloc(0) },
        ...{ destination: solicitedNode(HOST_IP6).group, to: solicitedNode(HOST_IP6).mac },
      }),
      arrives: onlyHost,
    },
    ...(
      [
        ['NA7', 'that came through a router', { hopLimit: 254 }],
        ['NA8', 'of the gateway’s global address', { source: REMOTE_IP6, target: REMOTE_IP6 }],
      ] as const
    ).map(([id, what, fields]): Check => ({
      id,
      rule: `an advertisement ${what}`,
      ...nowhere,
      control: 'classic',
      frame: about(REMOTE_LINK_LOCAL, fields),
    })),
    {
      id: 'NA9',
      rule: "the gateway's unsolicited advertisement that came through a router",
      from: 'remote',
      frame: about(REMOTE_LINK_LOCAL, { ...TO_ALL_NODES, hopLimit: 64 }),
      arrives: onlyHost,
    },
    {
      id: 'NA10',
      rule: 'the same to all routers',
      from: 'remote',
      frame: about(REMOTE_LINK_LOCAL, { destination: 'ff02::2', to: groupMac('ff02::2') }),
      arrives: { c1: 0, c2: 0 },
    },
    {
      id: 'J4',
      rule: 'a jumbo option before UDP, which no kernel sends',
      from: 'remote',
      frame: extended([[0, [0, 0xc2, 4, 0, 1, 0, 0]]], { ...toC1, length: 0 }),
      arrives: onlyHost,
    },
    {
      id: 'J5',
      rule: 'a jumbo option before TCP in a packet with a length',
      from: 'remote',
      frame: extended([[0, [0, 0xc2, 4, 0, 1, 0, 0]]], { ...toC1, protocol: 6 }),
      arrives: onlyHost,
    },
    ...(
      [
        ['EX1', 'an atomic fragment', [[44, [0, 0, 0, 0, 0, 0, 7]]]],
        ['EX2', 'a first fragment', [[44, [0, 0, 1, 0, 0, 0, 7]]]],
        ['EX3', 'a later fragment', [[44, [0, 0, 8, 0, 0, 0, 7]]]],
        ['EX4', 'a routing header of type 0', [[43, [0, 0, 0, 0, 0, 0, 0]]]],
        ['EX5', 'router alert', [[0, [0, 5, 2, 0, 0, 1, 0]]]],
      ] as const
    ).map(([id, what, headers]): Check => ({
      id,
      rule: `${what} to a container's port: the host's`,
      from: 'remote',
      frame: extended(headers, toC1),
      arrives: onlyHost,
    })),
  ],
}

/** No layout lets these in; kept so that none ever will. The positive control is 6L01: they differ from it in one thing. */
function strangers(): Check[] {
  const tagged = (...types: readonly number[]): Frame =>
    retagged(ported6({ ...toC1, source: HOST_IP6 }), ...types.map(type => [type, 0] as const))
  const frames: readonly (readonly [string, string, Frame, Place?])[] = [
    ['R23', 'a VLAN', ported6({ ...toC1, vlans: [5] })],
    ['R24', 'another address', ported6({ ...toC1, destination: NEIGHBOUR6 })],
    [
      'R25',
      'multicast to a port of a container',
      ported6({ ...toC1, destination: ALL_NODES, to: groupMac(ALL_NODES) }),
    ],
    [
      'R26',
      'the solicited-node group, to a port of a container',
      ported6({ ...toC1, destination: solicitedNode(HOST_IP6).group, to: solicitedNode(HOST_IP6).mac }),
    ],
    ['R11', 'two priority tags and the host’s address', tagged(ETH_P_8021Q, ETH_P_8021Q), 'host'],
    ['R27', 'an 802.1ad priority tag and the host’s address', tagged(ETH_P_8021AD), 'host'],
    [
      'R31',
      'an 802.1Q priority tag in an 802.1ad one and the host’s address',
      tagged(ETH_P_8021AD, ETH_P_8021Q),
      'host',
    ],
    [
      'R32',
      'an 802.1ad priority tag in an 802.1Q one and the host’s address',
      tagged(ETH_P_8021Q, ETH_P_8021AD),
      'host',
    ],
    ['R08', '::1 as destination', ported6({ ...toC1, destination: LOOPBACK6 }), 'host'],
    ['R28', 'a port of nobody', ported6({ ...toC1, destinationPort: 31_900 })],
  ]
  return frames.map(([id, rule, frame, alsoNot]) => ({
    id,
    rule: `${rule}, not into a container`,
    from: 'remote',
    frame,
    arrives: { c1: 0, c2: 0, ...(alsoNot && { [alsoNot]: 0 }) },
  }))
}
