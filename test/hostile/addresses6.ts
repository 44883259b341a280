import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'
import {
  HOST_IP6,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_IP6,
  REMOTE_LINK_LOCAL,
} from '../isolator/inet6-topology.js'
import type { Check, Group } from './check.js'
import { twins } from './family.js'
import {
  ALL_NODES,
  ELSEWHERE6,
  groupMac,
  icmp6Of,
  NEIGHBOUR6,
  ported6,
  syn6,
  TO_ALL_NODES,
} from './frames6.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
/** Of routers and servers of DHCP (RFC 8415, section 7.1). */
const DHCP_SERVERS = 'ff02::1:2'

const TWINS_OF_SOURCES: readonly (readonly [id: string, source: string, what: string])[] = [
  ['A01', ELSEWHERE6, 'an address of elsewhere'],
  ['A47', LOOPBACK6, '::1'],
  ['S01', '::', 'the unspecified address'],
  ['S03', ALL_NODES, 'multicast'],
  ['S04', REMOTE_IP6, 'the receiver itself (a LAND attack)'],
  ['S05', NEIGHBOUR6, 'a neighbour on the same prefix'],
  ['S06', '2001:db8:9::', "the prefix's anycast address of routers"],
]

const SOURCES: readonly (readonly [id: string, source: string, what: string])[] = [
  ['S11.1', NOT_SHARED, 'an address of the host that is not shared'],
  ['S11.2', '::ffff:10.9.0.2', "the host's IPv4 address, mapped"],
  ['S11.3', '::10.9.0.2', "the host's IPv4 address, compatible"],
  ['S11.4', '64:ff9b::10.9.0.2', "the host's IPv4 address, translated (NAT64)"],
  ['S11.5', '2002:a09:2::1', "the host's IPv4 address by 6to4"],
  ['S11.6', 'fe80::66', 'a link-local address of nobody'],
  ['S11.7', HOST_LINK_LOCAL, "the host's link-local address, to elsewhere"],
  ['S11.8', 'fec0::2', 'a site-local address'],
  ['S11.9', 'fd00::2', 'a unique local address'],
  ['S11.10', 'ff05::2', 'a group of the site'],
  ['S11.11', '2001:db8:9::3', "off in the last bits of the host's"],
  ['S11.12', '2001:db8:8::2', "off in the second word of the host's"],
  ['S11.13', '2001:db8:9:0:1::2', "off in the third word of the host's"],
]

const TWINS_OF_DESTINATIONS: readonly (readonly [
  id: string,
  destination: string,
  to: string,
  what: string,
])[] = [
  ['A19', 'ff02::fb', groupMac('ff02::fb'), 'link-local multicast'],
  ['D01', 'ff0e::1:2:3', groupMac('ff0e::1:2:3'), 'multicast'],
  ['D02', ALL_NODES, groupMac(ALL_NODES), 'all nodes, as broadcast is'],
  ['D03', 'ff02::2', groupMac('ff02::2'), 'all routers'],
  ['D05', '::', REMOTE_MAC, 'the unspecified address'],
  ['D06', '::1:2:3', REMOTE_MAC, 'an address that begins with zeros'],
  ['D07', LOOPBACK6, REMOTE_MAC, 'loopback, on the wire'],
  ['D08', HOST_IP6, REMOTE_MAC, "the host's own address, on the wire"],
  ['D09', REMOTE_IP6, 'ff:ff:ff:ff:ff:ff', 'unicast in a broadcast frame'],
  ['D10', REMOTE_IP6, groupMac(REMOTE_IP6), 'unicast in a multicast frame'],
  ['D11', 'ff02::fb', REMOTE_MAC, 'multicast in a unicast frame'],
]

const DESTINATIONS: readonly (readonly [id: string, destination: string, to: string, what: string])[] = [
  ['D12.1', '::ffff:10.9.0.1', REMOTE_MAC, "the remote's IPv4 address, mapped"],
  ['D12.2', '::10.9.0.1', REMOTE_MAC, "the remote's IPv4 address, compatible"],
  ['D12.3', '::ffff:127.0.0.1', REMOTE_MAC, '127.0.0.1, mapped'],
  ['D12.4', NOT_SHARED, REMOTE_MAC, "the host's address that is not shared"],
  ['D12.5', 'ff01::1', groupMac('ff01::1'), "the interface's own group"],
  ['D12.6', 'ff02::16', groupMac('ff02::16'), 'routers that listen to reports'],
  ['D12.7', 'ff02::1:ff00:1', groupMac('ff02::1:ff00:1'), "the remote's solicited-node group"],
  ['D12.8', 'ff05::1:3', groupMac('ff05::1:3'), 'servers of DHCP of the site'],
  ['D12.9', REMOTE_LINK_LOCAL, REMOTE_MAC, 'link-local, from a global address of elsewhere'],
]

/** Only the host's addresses are a source; only one other machine is a destination. */
export const addresses6: Group = {
  name: 'Addresses, IPv6',
  checks: [
    ...twins([
      ...TWINS_OF_SOURCES.map(([id, source, what]): Check => ({
        id,
        rule: `source is ${what}`,
        ...c1Wire,
        frame: ported6({ source }),
      })),
      ...TWINS_OF_DESTINATIONS.map(([id, destination, to, what]): Check => ({
        id,
        rule: `destination is ${what}`,
        ...c1Wire,
        frame: ported6({ destination, to }),
      })),
      { id: 'S07', rule: 'a TCP connection from elsewhere', ...c1Wire, frame: syn6({ source: ELSEWHERE6 }) },
      {
        id: 'A25',
        rule: 'a ping from elsewhere',
        ...c1Wire,
        frame: icmp6Of({ type: 128 }, { source: ELSEWHERE6 }),
      },
      {
        id: 'S08',
        rule: 'a ping to all nodes (smurf)',
        ...c1Wire,
        frame: icmp6Of({ type: 128 }, TO_ALL_NODES),
      },
      {
        id: 'S09',
        rule: 'a DHCP request without address',
        ...c1Wire,
        frame: ported6({
          ...{ source: HOST_LINK_LOCAL, sourcePort: 546 },
          ...{ destination: DHCP_SERVERS, to: groupMac(DHCP_SERVERS), destinationPort: 547 },
        }),
      },
      {
        id: 'S10',
        rule: 'a DHCP answer to a client',
        ...c1Wire,
        frame: ported6({
          ...{ source: HOST_LINK_LOCAL, sourcePort: 547 },
          ...{ destination: REMOTE_LINK_LOCAL, destinationPort: 546 },
        }),
      },
      {
        id: 'S11',
        rule: 'a DHCP answer to the host',
        from: 'c1',
        never: ['host'],
        frame: ported6({
          ...{ source: HOST_LINK_LOCAL, sourcePort: 547 },
          ...{ destination: HOST_LINK_LOCAL, to: HOST_MAC, destinationPort: 546 },
        }),
      },
      {
        id: 'L02',
        rule: 'UDP to a remote',
        from: 'c1',
        frame: ported6(),
        arrives: { wire: 1, host: 0, c2: 0 },
      },
      {
        id: 'L02b',
        rule: 'TCP to a remote',
        from: 'c1',
        frame: syn6(),
        arrives: { wire: 1, host: 0, c2: 0 },
      },
      {
        id: 'L02c',
        rule: 'UDP to far away',
        from: 'c1',
        frame: ported6({ destination: '2001:db8:ffff::9' }),
        arrives: { wire: 1 },
      },
      {
        id: 'L07',
        rule: 'a ping to a remote',
        from: 'c1',
        frame: icmp6Of({ type: 128, rest: Buffer.from([9, 9, 9, 9]) }),
        arrives: { wire: 1 },
      },
    ]),
    ...SOURCES.map(([id, source, what]): Check => ({
      id,
      rule: `source is ${what}`,
      ...c1Wire,
      frame: ported6({ source }),
    })),
    ...DESTINATIONS.map(([id, destination, to, what]): Check => ({
      id,
      rule: `destination is ${what}`,
      ...c1Wire,
      frame: ported6({ destination, to, ...(destination === REMOTE_LINK_LOCAL && { source: ELSEWHERE6 }) }),
    })),
    {
      id: 'L02d',
      rule: 'UDP between link-local addresses',
      from: 'c1',
      frame: ported6({ source: HOST_LINK_LOCAL, destination: REMOTE_LINK_LOCAL }),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
    {
      id: 'L02e',
      rule: 'a ping between link-local addresses',
      from: 'c1',
      frame: icmp6Of({ type: 128 }, { source: HOST_LINK_LOCAL, destination: REMOTE_LINK_LOCAL }),
      arrives: { wire: 1 },
    },
    {
      id: 'L02f',
      rule: 'UDP with a flow label and a traffic class',
      from: 'c1',
      frame: ported6({ flowLabel: 0xf_ffff, trafficClass: 0xff }),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
  ],
}
