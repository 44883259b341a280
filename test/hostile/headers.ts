import { HOST_IP, HOST_MAC } from '../helpers/topology.js'
import type { Check, Group } from './check.js'
import { FOREIGN, HOST_PORT, OWN, ported } from './frames.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const LOCAL = { to: HOST_MAC, destination: HOST_IP, destinationPort: HOST_PORT } as const
const ownPort = [OWN >> 8, OWN & 255] as const

const OPTIONS: readonly (readonly [id: string, options: readonly number[], what: string])[] = [
  ['A14', [...ownPort, 0, 53, 1, 1, 1, 1, ...Array<number>(14).fill(1)], 'that look like its own ports'],
  ['O01', [7, 7, 4, 0, 0, 0, 0], 'record route'],
  ['O02', [131, 7, 4, 10, 9, 0, 77], 'loose source route'],
  ['O03', [137, 7, 4, 10, 9, 0, 77], 'strict source route'],
  ['O04', [148, 4, 0, 0], 'router alert'],
  ['O05', [68, 8, 5, 0, 0, 0, 0, 0], 'timestamp'],
  ['O06', [1, 1, 1, 1], 'that do nothing'],
]

/** Only headers without options carry ports where the rules look; only whole datagrams carry them at all. */
export const headers: Group = {
  name: 'IP options and fragments',
  checks: [
    ...OPTIONS.map(([id, options, what]): Check => {
      const sourcePort = id === 'A14' ? FOREIGN : OWN
      return {
        id,
        rule: `IP options ${what}`,
        ...c1Wire,
        frame: ported({ options: Buffer.from(options), sourcePort }),
      }
    }),
    {
      id: 'O07',
      rule: 'IP options to the host',
      from: 'c1',
      never: ['host'],
      frame: ported({ ...LOCAL, options: Buffer.from([1, 1, 1, 1]) }),
    },
    {
      id: 'A16',
      rule: 'a later fragment with bytes like its own ports',
      ...c1Wire,
      frame: ported({ fragmentOffset: 1480 }),
    },
    { id: 'F01', rule: 'a first fragment', ...c1Wire, frame: ported({ moreFragments: true }) },
    {
      id: 'F02',
      rule: 'a fragment that would overwrite the ports (RFC 1858)',
      ...c1Wire,
      frame: ported({ fragmentOffset: 8, moreFragments: true }),
    },
    {
      id: 'F03',
      rule: 'the last possible fragment (ping of death)',
      ...c1Wire,
      frame: ported({ fragmentOffset: 65_528 }),
    },
    { id: 'F04', rule: 'a TCP fragment', ...c1Wire, frame: ported({ protocol: 6, fragmentOffset: 8 }) },
    { id: 'F05', rule: 'an ICMP fragment', ...c1Wire, frame: ported({ protocol: 1, fragmentOffset: 8 }) },
    {
      id: 'F06',
      rule: 'a later fragment to another container',
      from: 'c1',
      never: ['c2', 'host'],
      control: 'classic',
      frame: ported({ ...LOCAL, destinationPort: FOREIGN, fragmentOffset: 8 }),
    },
    {
      id: 'F07',
      rule: 'a first fragment to another container',
      from: 'c1',
      never: ['c2'],
      frame: ported({ ...LOCAL, destinationPort: FOREIGN, moreFragments: true }),
      control: 'classic',
    },
    {
      id: 'L25',
      rule: '"do not fragment"',
      from: 'c1',
      frame: ported({ dontFragment: true }),
      arrives: { wire: 1 },
    },
    { id: 'L26', rule: 'TTL 1 (traceroute)', from: 'c1', frame: ported({ ttl: 1 }), arrives: { wire: 1 } },
  ],
}
