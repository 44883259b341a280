import { BROADCAST, ETH_P_8021Q } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_IP } from '../helpers/topology.js'
import type { Check, Group } from './check.js'
import {
  arpOf,
  ELSEWHERE,
  errorAbout,
  etherType,
  FOREIGN,
  HOST_PORT,
  icmpOf,
  INBOUND,
  LOCALHOST,
  OWN,
  ported,
  SECOND_ADDRESS,
  syn,
  type Fields,
} from './frames.js'
import { ETH_P_8021AD, retagged } from './links.js'

const notC1 = { from: 'remote', never: ['c1'] } as const
const nowhere = { from: 'remote', never: ['c1', 'c2'] } as const
const toC1: Fields = { ...INBOUND, sourcePort: 53, destinationPort: OWN }
const toHost: Fields = { ...INBOUND, sourcePort: 53, destinationPort: HOST_PORT }

/** Not into the host either, whatever its settings. */
const SPOOFED = new Set(['R08', 'R11', 'R27', 'R31', 'R32'])

/** From the wire: nobody is the host, and what is not for a container's port does not get there. */
export const inbound: Group = {
  name: 'From the wire',
  checks: [
    {
      id: 'R01',
      rule: "the host's address as source, to a container",
      ...nowhere,
      frame: ported({ ...toC1, source: HOST_IP, sourcePort: FOREIGN }),
    },
    {
      id: 'R02',
      rule: '127.0.0.1 as source, to a container',
      ...notC1,
      frame: ported({ ...toC1, source: LOCALHOST }),
    },
    {
      id: 'R07',
      rule: 'another loopback address as source',
      ...notC1,
      frame: ported({ ...toC1, source: '127.9.9.9' }),
    },
    {
      id: 'R29',
      rule: "the host's other address as source, to a container",
      ...nowhere,
      frame: ported({ ...toC1, source: SECOND_ADDRESS, sourcePort: 2000 }),
    },
    {
      id: 'R30',
      rule: 'the same behind a priority tag',
      ...nowhere,
      frame: ported({ ...toC1, source: SECOND_ADDRESS, sourcePort: 2000, vlans: [0] }),
    },
    {
      id: 'L37',
      rule: "a container's port is the host's at the host's other address",
      from: 'remote',
      frame: ported({ ...toC1, destination: SECOND_ADDRESS }),
      arrives: { host: 1, c1: 0, c2: 0 },
    },
    {
      id: 'R09',
      rule: "the host's address as source, behind a priority tag",
      ...notC1,
      frame: ported({ ...toC1, source: HOST_IP, vlans: [0] }),
    },
    {
      id: 'R03',
      rule: 'the same as TCP',
      ...nowhere,
      frame: syn({ ...toC1, source: HOST_IP, sourcePort: FOREIGN }),
    },
    {
      id: 'R04',
      rule: 'ESP with bytes like a port of a container',
      ...notC1,
      control: 'classic',
      frame: ported({ ...toC1, protocol: 50, sourcePort: 0 }),
    },
    {
      id: 'R12',
      rule: 'AH with such bytes',
      ...notC1,
      control: 'classic',
      frame: ported({ ...toC1, protocol: 51 }),
    },
    {
      id: 'R13',
      rule: 'GRE with such bytes',
      ...notC1,
      control: 'classic',
      frame: ported({ ...toC1, protocol: 47 }),
    },
    {
      id: 'R05f',
      rule: 'a later fragment with such bytes',
      ...notC1,
      control: 'classic',
      frame: ported({ ...toC1, fragmentOffset: 1480 }),
    },
    {
      id: 'R14',
      rule: 'a first fragment, whose rest would rot elsewhere',
      ...notC1,
      control: 'classic',
      frame: ported({ ...toC1, moreFragments: true }),
    },
    {
      id: 'R06',
      rule: 'a ping, fragmented',
      ...nowhere,
      control: 'classic',
      frame: icmpOf({ type: 8 }, { ...INBOUND, moreFragments: true }),
    },
    { id: 'A24', rule: 'a ping', ...nowhere, control: 'classic', frame: icmpOf({ type: 8 }, INBOUND) },
    {
      id: 'A43',
      rule: "an echo reply to another container's ping",
      from: 'remote',
      never: ['c2'],
      control: 'classic',
      frame: icmpOf({ type: 0, rest: Buffer.from([4, 3, 0, 1]) }, INBOUND),
    },
    {
      id: 'A22',
      rule: 'who has the host’s address',
      ...nowhere,
      control: 'classic',
      frame: arpOf({
        ...INBOUND,
        to: BROADCAST,
        senderMac: INBOUND.mac,
        senderIp: REMOTE_IP,
        targetIp: HOST_IP,
      }),
    },
    {
      id: 'R15',
      rule: 'a timestamp request',
      ...nowhere,
      control: 'classic',
      frame: icmpOf({ type: 13 }, INBOUND),
    },
    {
      id: 'R16',
      rule: 'an address mask request',
      ...nowhere,
      control: 'classic',
      frame: icmpOf({ type: 17 }, INBOUND),
    },
    { id: 'R17', rule: 'a redirect', ...nowhere, control: 'classic', frame: icmpOf({ type: 5 }, INBOUND) },
    {
      id: 'A29',
      rule: "an ICMP error about another container's packet",
      ...notC1,
      control: 'classic',
      frame: errorAbout(
        { type: 3, code: 3 },
        { source: HOST_IP, destination: REMOTE_IP, sourcePort: FOREIGN, destinationPort: 53 },
        INBOUND,
      ),
    },
    {
      id: 'R18',
      rule: "an ICMP error about the host's packet",
      ...nowhere,
      control: 'classic',
      frame: errorAbout(
        { type: 11 },
        { source: HOST_IP, destination: REMOTE_IP, sourcePort: 40_000, destinationPort: 53 },
        INBOUND,
      ),
    },
    {
      id: 'R19',
      rule: 'an ICMP error about a packet that is not of this address',
      ...nowhere,
      control: 'classic',
      frame: errorAbout(
        { type: 3, code: 3 },
        { source: ELSEWHERE, destination: REMOTE_IP, sourcePort: OWN, destinationPort: 53 },
        INBOUND,
      ),
    },
    {
      id: 'R20',
      rule: 'an ARP reply to somebody else',
      ...nowhere,
      control: 'classic',
      frame: arpOf({
        ...INBOUND,
        operation: 'reply',
        senderMac: INBOUND.mac,
        senderIp: REMOTE_IP,
        targetIp: '10.9.0.77',
      }),
    },
    {
      id: 'R21',
      rule: 'gratuitous ARP of another than the gateway',
      ...nowhere,
      control: 'classic',
      frame: arpOf({
        ...INBOUND,
        to: BROADCAST,
        senderMac: INBOUND.mac,
        senderIp: '10.9.0.77',
        targetIp: '10.9.0.77',
      }),
    },
    {
      id: 'L01',
      rule: 'UDP to a container',
      from: 'remote',
      frame: ported(toC1),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L01b',
      rule: 'TCP to a container',
      from: 'remote',
      frame: syn(toC1),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L01c',
      rule: 'UDP to the other container',
      from: 'remote',
      frame: ported({ ...toC1, destinationPort: FOREIGN }),
      arrives: { c1: 0, c2: 1, host: 0 },
    },
    {
      id: 'L15f',
      rule: 'UDP to the host',
      from: 'remote',
      frame: ported(toHost),
      arrives: { c1: 0, c2: 0, host: 1 },
    },
    {
      id: 'R10',
      rule: 'UDP to the host behind options that look like a port',
      from: 'remote',
      frame: ported({
        ...toHost,
        options: Buffer.from([OWN >> 8, 24, 0, OWN & 255, ...Array<number>(20).fill(1)]),
      }),
      arrives: { c1: 0, c2: 0, host: 1 },
    },
    {
      id: 'L29',
      rule: 'UDP to a container behind IP options',
      from: 'remote',
      frame: ported({ ...toC1, options: Buffer.from([1, 1, 1, 1]) }),
      arrives: { c1: 1, host: 0 },
    },
    {
      id: 'L20i',
      rule: 'SCTP to a container',
      from: 'remote',
      frame: ported({ ...toC1, protocol: 132 }),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L24',
      rule: 'UDP to a container, priority-tagged',
      from: 'remote',
      frame: ported({ ...toC1, vlans: [0x6000] }),
      arrives: { c1: 1, c2: 0 },
    },
    {
      id: 'L10',
      rule: "ICMP errors about a container's packet",
      from: 'remote',
      frame: errorAbout(
        { type: 3, code: 4, rest: Buffer.from([0, 0, 5, 0]) },
        { source: HOST_IP, destination: REMOTE_IP, sourcePort: OWN, destinationPort: 53 },
        INBOUND,
      ),
      arrives: { c1: 1, c2: 0, host: 0 },
    },
    {
      id: 'L22',
      rule: 'an ICMP error about a ping, to whoever pinged',
      from: 'remote',
      frame: errorAbout({ type: 11 }, { source: HOST_IP, destination: REMOTE_IP, protocol: 1 }, INBOUND),
      arrives: { c1: 1, c2: 1, host: 1 },
    },
    {
      id: 'L30',
      rule: 'an echo reply, to whoever pinged',
      from: 'remote',
      frame: icmpOf({ type: 0 }, INBOUND),
      arrives: { c1: 1, c2: 1, host: 1 },
    },
    {
      id: 'L18',
      rule: "the gateway's gratuitous ARP",
      from: 'remote',
      frame: arpOf({
        ...INBOUND,
        to: BROADCAST,
        senderMac: INBOUND.mac,
        senderIp: REMOTE_IP,
        targetIp: REMOTE_IP,
      }),
      arrives: { c1: 1, c2: 1 },
    },
    ...strangers(),
  ],
}

/** No layout lets these in; kept so that none ever will. The positive control is L01: they differ from it in one thing. */
function strangers(): Check[] {
  const frames: readonly (readonly [string, string, (mark: Buffer) => Buffer])[] = [
    ['R22', 'IPv6', etherType(0x86dd, { mac: INBOUND.mac, to: HOST_MAC })],
    ['R23', 'a VLAN', ported({ ...toC1, vlans: [5] })],
    ['R24', 'another address', ported({ ...toC1, destination: '10.9.0.77' })],
    [
      'R25',
      'multicast to a port of a container',
      ported({ ...toC1, destination: '224.0.0.1', to: '01:00:5e:00:00:01' }),
    ],
    [
      'R26',
      'broadcast to a port of a container',
      ported({ ...toC1, destination: '255.255.255.255', to: BROADCAST }),
    ],
    [
      'R11',
      'two priority tags and the host’s address',
      retagged(ported({ ...toC1, source: HOST_IP }), [ETH_P_8021Q, 0], [ETH_P_8021Q, 0]),
    ],
    [
      'R27',
      'an 802.1ad priority tag and the host’s address',
      retagged(ported({ ...toC1, source: HOST_IP }), [ETH_P_8021AD, 0]),
    ],
    [
      'R31',
      'an 802.1Q priority tag in an 802.1ad one and the host’s address',
      retagged(ported({ ...toC1, source: HOST_IP }), [ETH_P_8021AD, 0], [ETH_P_8021Q, 0]),
    ],
    [
      'R32',
      'an 802.1ad priority tag in an 802.1Q one and the host’s address',
      retagged(ported({ ...toC1, source: HOST_IP }), [ETH_P_8021Q, 0], [ETH_P_8021AD, 0]),
    ],
    ['R08', '127.0.0.1 as destination', ported({ ...toC1, destination: LOCALHOST })],
    ['R28', 'a port of nobody', ported({ ...toC1, destinationPort: 31_900 })],
  ]
  return frames.map(([id, rule, frame]) => ({
    id,
    rule: `${rule}, not into a container`,
    from: 'remote',
    frame,
    arrives: { c1: 0, c2: 0, ...(SPOOFED.has(id) && { host: 0 }) },
  }))
}
