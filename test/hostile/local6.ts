import { HOST_MAC } from '../helpers/topology.js'
import { ELSEWHERE_ON_HOST, HOST_IP6, HOST_LINK_LOCAL, NOT_SHARED } from '../isolator/inet6-topology.js'
import { TCP_RST } from '../helpers/packets.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'
import type { Check, Group } from './check.js'
import { INET6, twins } from './family.js'
import { C2, FOREIGN, HOST_PORT, OWN } from './frames.js'
import { ported6, segment6, syn6, TO_ALL_NODES } from './frames6.js'
import { sharedLocal, towards } from './local.js'

const { LOCAL, toHost, toC2 } = towards(HOST_IP6)
const c1Host = { from: 'c1', never: ['host'] } as const
const c1C2 = { from: 'c1', never: ['c2'] } as const
/** To nobody but the container itself. */
const stays = { from: 'c1', never: ['host', 'c2', 'wire'] } as const

/** Addresses of the host that containers do not share: neither reached nor claimed. */
const NOT_OURS: readonly (readonly [id: string, address: string, what: string])[] = [
  ['HD', NOT_SHARED, 'deprecated address'],
  ['HI', ELSEWHERE_ON_HOST, 'address on another interface'],
  ['HL', HOST_LINK_LOCAL, 'link-local address'],
]

/** IPv6 between containers and the host: the shared address and ::1 only, and one's own ports as the source. */
export const local6: Group = {
  name: 'From a container to the host and to another, IPv6',
  checks: [
    ...twins([
      ...sharedLocal(INET6),
      {
        id: 'H04',
        rule: 'the unspecified address as source, to another container',
        ...c1C2,
        frame: ported6({ ...toC2, source: '::' }),
      },
      {
        id: 'H08',
        rule: 'all nodes, into the host',
        ...c1Host,
        frame: ported6({ ...TO_ALL_NODES, destinationPort: HOST_PORT }),
      },
      {
        id: 'L35',
        rule: "to the host's other address, which containers do not reach",
        ...stays,
        frame: ported6({ ...toHost, destination: NOT_SHARED }),
      },
      {
        id: 'L36',
        rule: 'a port of another container at that address',
        ...stays,
        frame: ported6({ ...toC2, destination: NOT_SHARED }),
      },
    ]),
    ...NOT_OURS.flatMap(([id, address, what]): Check[] => [
      {
        id: `${id}1`,
        rule: `to the host's ${what}, in the remote's frame`,
        ...stays,
        frame: ported6({ destination: address, destinationPort: HOST_PORT }),
      },
      {
        id: `${id}2`,
        rule: `a connection to the host's ${what}`,
        ...stays,
        frame: syn6({ ...toHost, destination: address, source: address }),
      },
      {
        id: `${id}3`,
        rule: `the host's ${what} as source, to the host`,
        ...stays,
        frame: ported6({ ...toHost, source: address }),
      },
      {
        id: `${id}4`,
        rule: `the host's ${what} as source, to another container`,
        ...stays,
        frame: ported6({ ...toC2, source: address }),
      },
      {
        id: `${id}5`,
        rule: `::1 as source, to the host's ${what}`,
        ...stays,
        frame: ported6({ ...toHost, destination: address, source: LOOPBACK6 }),
      },
    ]),
    {
      id: 'HA1',
      rule: 'the interface-local group of all nodes (ff01::1), into the host',
      ...c1Host,
      frame: ported6({ destination: 'ff01::1', to: '33:33:00:00:00:01', destinationPort: HOST_PORT }),
    },
    {
      id: 'HA2',
      rule: "the host's solicited-node group, with a datagram for its port",
      ...c1Host,
      frame: ported6({ destination: 'ff02::1:ff00:2', to: '33:33:ff:00:00:02', destinationPort: HOST_PORT }),
    },
    {
      id: 'HA3',
      rule: "the prefix's anycast address of routers",
      ...c1Host,
      frame: ported6({ ...toHost, destination: '2001:db8:9::' }),
    },
    {
      id: 'H21',
      rule: "::1 as source, the host's address as destination, a port of another container",
      ...c1Host,
      frame: ported6({ ...toHost, source: LOOPBACK6, sourcePort: FOREIGN }),
    },
    {
      id: 'H22',
      rule: 'a reset in the name of ::1 and another container, to the host',
      ...c1Host,
      frame: segment6(TCP_RST, {
        ...LOCAL,
        ...{ source: LOOPBACK6, destination: LOOPBACK6 },
        ...{ sourcePort: FOREIGN, destinationPort: 40_000 },
      }),
    },
    {
      id: 'H23',
      rule: "an answer in the host's name to another container's client, by ::1",
      ...c1C2,
      frame: ported6({
        ...LOCAL,
        ...{ source: LOOPBACK6, sourcePort: 53 },
        ...{ destination: LOOPBACK6, destinationPort: C2.ephemeral[0] },
      }),
    },
    {
      id: 'L38',
      rule: 'from ::1 to the shared address, to another container',
      from: 'c1',
      frame: ported6({ ...toC2, source: LOOPBACK6 }),
      arrives: { c2: 1, host: 0, wire: 0 },
    },
    {
      id: 'L39',
      rule: 'to the host, whatever the destination of the frame',
      from: 'c1',
      frame: ported6({
        destination: HOST_IP6,
        destinationPort: HOST_PORT,
        sourcePort: OWN + 1,
        to: HOST_MAC,
      }),
      arrives: { host: 1, c2: 0, wire: 0 },
    },
  ],
}
