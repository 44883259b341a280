import { HOST_MAC } from '../helpers/topology.js'
import { TCP_ACK, TCP_FIN, TCP_RST } from '../helpers/packets.js'
import type { Check, Group } from './check.js'
import { INET, INET6, twins, type Family } from './family.js'
import { C1, FOREIGN, HOST_PORT, OWN } from './frames.js'

const FOREIGN_PORTS: readonly (readonly [id: string, port: number, what: string])[] = [
  ['A02', 5000, 'that nobody has'],
  ['A03', FOREIGN, 'of another container'],
  ['P01', C1.first - 1, 'just below its own'],
  ['P02', C1.last + 1 + 7, 'at the end of those of another'],
  ['P03', C1.ephemeral[0] - 1, 'just below its ephemeral ones'],
  ['P04', C1.ephemeral[1] + 1, 'just above its ephemeral ones'],
  ['P05', 0, '0'],
  ['P06', 53, 'of a well-known service'],
  ['P07', 40_000, "of the host's ephemeral range"],
  ['P08', 65_535, '65535'],
  ['P09', ((OWN & 0xff) << 8) | (OWN >> 8), 'its own with the bytes swapped'],
]

const PROTOCOLS: readonly (readonly [protocol: number, what: string])[] = [
  [0, 'hop-by-hop options'],
  [2, 'IGMP'],
  [4, 'IP in IP'],
  [41, 'IPv6 in IP'],
  [47, 'GRE'],
  [50, 'ESP'],
  [51, 'AH'],
  [89, 'OSPF'],
  [103, 'PIM'],
  [112, 'VRRP'],
  [115, 'L2TP'],
  [253, 'an experimental protocol'],
  [255, 'the reserved protocol'],
]

const PORT_PROTOCOLS: readonly (readonly [protocol: number, what: string])[] = [
  [33, 'DCCP'],
  [132, 'SCTP'],
  [136, 'UDP-Lite'],
]

/** Source ports are one's own, whatever the protocol; protocols without ports stay inside. */
const portsOf = ({ host, ported, segment, syn }: Family): Check[] => {
  const LOCAL = { to: HOST_MAC, destination: host } as const
  return [
    ...FOREIGN_PORTS.map(([id, sourcePort, what]): Check => ({
      id,
      rule: `source port ${what}`,
      from: 'c1',
      never: ['wire'],
      frame: ported({ sourcePort }),
    })),
    ...FOREIGN_PORTS.map(([id, sourcePort, what]): Check => ({
      id: `${id}h`,
      rule: `source port ${what}, to the host`,
      from: 'c1',
      never: ['host'],
      frame: ported({ ...LOCAL, sourcePort, destinationPort: HOST_PORT }),
    })),
    {
      id: 'P10',
      rule: "a reset in another container's name",
      from: 'c1',
      never: ['wire'],
      frame: segment(TCP_RST, { sourcePort: FOREIGN }),
    },
    {
      id: 'P11',
      rule: "the end of another container's connection",
      from: 'c1',
      never: ['wire'],
      frame: segment(TCP_FIN | TCP_ACK, { sourcePort: FOREIGN }),
    },
    {
      id: 'P12',
      rule: "a reset in another container's name, to the host",
      from: 'c1',
      never: ['host'],
      frame: segment(TCP_RST, { ...LOCAL, sourcePort: FOREIGN, destinationPort: HOST_PORT }),
    },
    {
      id: 'P13',
      rule: "a connection in the host's name, to another container",
      from: 'c1',
      never: ['c2'],
      frame: syn({ ...LOCAL, sourcePort: 40_000, destinationPort: FOREIGN }),
    },
    ...PORT_PROTOCOLS.flatMap(([protocol, what]): Check[] => [
      {
        id: `P${protocol}`,
        rule: `${what} from a port of another container`,
        from: 'c1',
        never: ['wire'],
        frame: ported({ protocol, sourcePort: FOREIGN }),
      },
      {
        id: `L20.${protocol}`,
        rule: what,
        from: 'c1',
        frame: ported({ protocol }),
        arrives: { wire: 1 },
      },
    ]),
    ...PROTOCOLS.flatMap(([protocol, what]): Check[] => [
      {
        id: `A18.${protocol}`,
        rule: `${what} with bytes like its own ports`,
        from: 'c1',
        never: ['wire'],
        frame: ported({ protocol }),
      },
      ...(protocol === 0 || protocol === 255
        ? []
        : [
            {
              id: `A18.${protocol}h`,
              rule: `${what} with bytes like its own ports, to the host`,
              from: 'c1',
              never: ['host'],
              frame: ported({ ...LOCAL, protocol }),
            } as const,
          ]),
    ]),
    {
      id: 'L05f',
      rule: 'UDP to the host',
      from: 'c1',
      frame: ported({ ...LOCAL, destinationPort: HOST_PORT }),
      arrives: { host: 1, wire: 0, c2: 0 },
    },
    {
      id: 'L03f',
      rule: 'UDP to another container',
      from: 'c1',
      frame: ported({ ...LOCAL, destinationPort: FOREIGN }),
      arrives: { c2: 1, wire: 0, host: 0 },
    },
  ]
}

const name = 'Ports and protocols'
export const ports: Group = { name, checks: portsOf(INET) }
export const ports6: Group = { name: `${name}, IPv6`, checks: twins(portsOf(INET6)) }
