import { BROADCAST, ETH_P_8021Q } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import type { Check, Group } from './check.js'
import { INET, type Family } from './family.js'
import { arpOf, cut, etherType, EVIL_MAC, patched, ported, type Frame } from './frames.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const c1Host = { from: 'c1', never: ['host'] } as const

/** Behind 802.1ad and QinQ tags, which the packet helpers do not write. */
export const retagged =
  (frame: Frame, ...tags: readonly (readonly [type: number, tci: number])[]): Frame =>
  mark => {
    const plain = frame(mark)
    const bytes = tags.flatMap(([type, tci]) => [type >> 8, type & 255, tci >> 8, tci & 255])
    return Buffer.concat([plain.subarray(0, 12), Buffer.from(bytes), plain.subarray(12)])
  }
export const ETH_P_8021AD = 0x88a8

const ETHER_TYPES: readonly (readonly [id: string, type: number, what: string, to?: string])[] = [
  ['E01', 0x88cc, 'LLDP', '01:80:c2:00:00:0e'],
  ['E02', 0x888e, 'EAPOL', '01:80:c2:00:00:03'],
  ['E03', 0x0027, '802.3 length field: a spanning tree BPDU', '01:80:c2:00:00:00'],
  ['E04', 0x8863, 'PPPoE discovery', BROADCAST],
  ['E05', 0x8847, 'MPLS'],
  ['E06', 0x9000, 'loopback test', 'cf:00:00:00:00:00'],
  ['E07', 0x8808, 'a pause frame', '01:80:c2:00:00:01'],
  ['E08', 0x0842, 'wake-on-LAN'],
  ['E09', 0x88e5, 'MACsec'],
  ['E10', 0x8035, 'RARP'],
  ['E11', 0x88f7, 'PTP', '01:1b:19:00:00:00'],
  ['E12', 0xffff, 'an unassigned EtherType'],
  ['A31', 0x86dd, 'IPv6'],
]

/** Another's MAC address, or a tag, around what would pass. */
export function framesOfOthers({ ported, host, remote, elsewhere }: Family): Check[] {
  const spoofed = ported({ source: elsewhere, destination: host })
  return [
    { id: 'A04', rule: 'source MAC of nobody', ...c1Wire, frame: ported({ mac: EVIL_MAC }) },
    { id: 'M01', rule: "source MAC of the gateway's", ...c1Wire, frame: ported({ mac: REMOTE_MAC }) },
    { id: 'M02', rule: 'source MAC all zeros', ...c1Wire, frame: ported({ mac: '00:00:00:00:00:00' }) },
    { id: 'M03', rule: 'source MAC broadcast', ...c1Wire, frame: ported({ mac: BROADCAST }) },
    {
      id: 'M04',
      rule: "source MAC off in the last bit of the host's",
      ...c1Wire,
      frame: ported({ mac: HOST_MAC.replace(/2$/, '3') }),
    },
    {
      id: 'M05',
      rule: 'foreign source MAC to the host',
      ...c1Host,
      frame: ported({ mac: EVIL_MAC, to: HOST_MAC, destination: host, destinationPort: 80 }),
    },
    { id: 'A13', rule: 'a VLAN tag', ...c1Wire, frame: ported({ vlans: [5] }) },
    { id: 'V01', rule: 'a priority tag (VID 0)', ...c1Wire, frame: ported({ vlans: [0xe000] }) },
    { id: 'V02', rule: 'two VLAN tags', ...c1Wire, frame: ported({ vlans: [5, 6] }) },
    { id: 'V03', rule: 'the reserved VID 4095', ...c1Wire, frame: ported({ vlans: [4095] }) },
    {
      id: 'A12',
      rule: 'a priority tag around a spoofed datagram to the host',
      ...c1Host,
      frame: ported({ vlans: [0], source: remote, destination: host, to: HOST_MAC }),
    },
    { id: 'V04', rule: 'an 802.1ad tag', ...c1Wire, frame: retagged(spoofed, [ETH_P_8021AD, 5]) },
    {
      id: 'V05',
      rule: 'two priority tags',
      ...c1Wire,
      frame: retagged(spoofed, [ETH_P_8021Q, 0], [ETH_P_8021Q, 0]),
    },
    { id: 'V06', rule: 'an 802.1ad priority tag', ...c1Wire, frame: retagged(spoofed, [ETH_P_8021AD, 0]) },
  ]
}

/** Who the frame says it is from, what it says it carries, and how much of it there is. */
export const links: Group = {
  name: 'Ethernet frames of a container',
  checks: [
    ...framesOfOthers(INET),
    {
      id: 'A23',
      rule: 'a priority tag around ARP to the host',
      ...c1Host,
      frame: arpOf({
        vlans: [0],
        senderIp: '10.9.0.66',
        senderMac: EVIL_MAC,
        mac: EVIL_MAC,
        targetIp: HOST_IP,
      }),
    },
    ...ETHER_TYPES.map(([id, type, what, to]): Check => ({
      id,
      rule: what,
      ...c1Wire,
      frame: etherType(type, to ? { to } : {}),
    })),
    { id: 'A32', rule: 'IPv6 into the host', ...c1Host, frame: etherType(0x86dd, { to: HOST_MAC }) },
    {
      id: 'E13',
      rule: 'LLDP into the host',
      ...c1Host,
      frame: etherType(0x88cc, { to: '01:80:c2:00:00:0e' }),
    },
    { id: 'T01', rule: 'an Ethernet header and nothing behind', ...c1Wire, frame: cut(14) },
    { id: 'T02', rule: 'cut inside the IP header', ...c1Wire, frame: cut(30) },
    { id: 'T03', rule: 'cut behind the IP header', ...c1Wire, frame: cut(34) },
    { id: 'T04', rule: 'cut between the ports', ...c1Wire, frame: cut(36) },
    { id: 'T05', rule: 'one byte short of a UDP header', ...c1Wire, frame: cut(41) },
    { id: 'T06', rule: 'ARP, one byte short', ...c1Wire, frame: cut(41, arpOf()) },
    { id: 'T07', rule: 'IP version 6 in an IPv4 frame', ...c1Wire, frame: patched(ported(), { 14: 0x65 }) },
    { id: 'T08', rule: 'IP version 0', ...c1Wire, frame: patched(ported(), { 14: 0x05 }) },
    { id: 'T09', rule: 'a header length of 4 words', ...c1Wire, frame: patched(ported(), { 14: 0x44 }) },
    { id: 'T10', rule: 'a header longer than the frame', ...c1Wire, frame: patched(ported(), { 14: 0x4f }) },
    { id: 'T11', rule: 'total length 0', ...c1Wire, frame: ported({ totalLength: 0 }) },
    { id: 'T12', rule: 'total length of the header alone', ...c1Wire, frame: ported({ totalLength: 20 }) },
    {
      id: 'T13',
      rule: 'total length that ends between the ports',
      ...c1Wire,
      frame: ported({ totalLength: 22 }),
    },
    { id: 'T14', rule: 'total length short of a UDP header', ...c1Wire, frame: ported({ totalLength: 27 }) },
  ],
}
