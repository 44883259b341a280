import { BROADCAST } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC } from '../helpers/topology.js'
import type { Check, Group } from './check.js'
import { ELSEWHERE, icmpOf, LOCALHOST, ported, syn } from './frames.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const MULTICAST_MAC = '01:00:5e:00:00:fb'

const SOURCES: readonly (readonly [id: string, source: string, what: string])[] = [
  ['A01', ELSEWHERE, 'an address of elsewhere'],
  ['A47', LOCALHOST, '127.0.0.1'],
  ['S01', '0.0.0.0', 'the unspecified address'],
  ['S02', '255.255.255.255', 'broadcast'],
  ['S03', '224.0.0.1', 'multicast'],
  ['S04', REMOTE_IP, 'the receiver itself (a LAND attack)'],
  ['S05', '10.9.0.77', 'a neighbour on the same prefix'],
  ['S06', '10.9.0.0', 'the network address'],
]

const DESTINATIONS: readonly (readonly [id: string, destination: string, to: string, what: string])[] = [
  ['A19', '224.0.0.251', MULTICAST_MAC, 'link-local multicast'],
  ['D01', '239.1.2.3', '01:00:5e:01:02:03', 'multicast'],
  ['D02', '255.255.255.255', BROADCAST, 'broadcast'],
  ['D03', '10.9.0.255', BROADCAST, 'broadcast of the prefix'],
  ['D04', '240.0.0.1', REMOTE_MAC, 'a reserved address'],
  ['D05', '0.0.0.0', REMOTE_MAC, 'the unspecified address'],
  ['D06', '0.1.2.3', REMOTE_MAC, '"this network"'],
  ['D07', '127.0.0.2', REMOTE_MAC, 'loopback, on the wire'],
  ['D08', HOST_IP, REMOTE_MAC, "the host's own address, on the wire"],
  ['D09', REMOTE_IP, BROADCAST, 'unicast in a broadcast frame'],
  ['D10', REMOTE_IP, MULTICAST_MAC, 'unicast in a multicast frame'],
  ['D11', '224.0.0.251', REMOTE_MAC, 'multicast in a unicast frame'],
]

/** Only the host's address is a source; only one other machine is a destination. */
export const addresses: Group = {
  name: 'Addresses',
  checks: [
    ...SOURCES.map(([id, source, what]): Check => ({
      id,
      rule: `source is ${what}`,
      ...c1Wire,
      frame: ported({ source }),
    })),
    ...DESTINATIONS.map(([id, destination, to, what]): Check => ({
      id,
      rule: `destination is ${what}`,
      ...c1Wire,
      frame: ported({ destination, to }),
    })),
    { id: 'S07', rule: 'a TCP connection from elsewhere', ...c1Wire, frame: syn({ source: ELSEWHERE }) },
    {
      id: 'A25',
      rule: 'a ping from elsewhere',
      ...c1Wire,
      frame: icmpOf({ type: 8 }, { source: ELSEWHERE }),
    },
    {
      id: 'S08',
      rule: 'a ping to broadcast (smurf)',
      ...c1Wire,
      frame: icmpOf({ type: 8 }, { destination: '10.9.0.255', to: BROADCAST }),
    },
    {
      id: 'S09',
      rule: 'a DHCP request without address',
      ...c1Wire,
      frame: ported({
        source: '0.0.0.0',
        destination: '255.255.255.255',
        to: BROADCAST,
        sourcePort: 68,
        destinationPort: 67,
      }),
    },
    {
      id: 'S10',
      rule: 'a DHCP offer to the network',
      ...c1Wire,
      frame: ported({ destination: '255.255.255.255', to: BROADCAST, sourcePort: 67, destinationPort: 68 }),
    },
    {
      id: 'S11',
      rule: 'a DHCP offer to the host',
      from: 'c1',
      never: ['host'],
      frame: ported({ to: HOST_MAC, destination: HOST_IP, sourcePort: 67, destinationPort: 68 }),
    },
    { id: 'L02', rule: 'UDP to a remote', from: 'c1', frame: ported(), arrives: { wire: 1, host: 0, c2: 0 } },
    { id: 'L02b', rule: 'TCP to a remote', from: 'c1', frame: syn(), arrives: { wire: 1, host: 0, c2: 0 } },
    {
      id: 'L02c',
      rule: 'UDP to far away',
      from: 'c1',
      frame: ported({ destination: '203.0.113.9' }),
      arrives: { wire: 1 },
    },
    {
      id: 'L07',
      rule: 'a ping to a remote',
      from: 'c1',
      frame: icmpOf({ type: 8, rest: Buffer.from([9, 9, 9, 9]) }),
      arrives: { wire: 1 },
    },
  ],
}
