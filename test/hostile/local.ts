import { HOST_IP, HOST_MAC } from '../helpers/topology.js'
import { TCP_ACK, TCP_RST, TCP_SYN } from '../helpers/packets.js'
import type { Check, Group } from './check.js'
import { INET, type Family } from './family.js'
import { C2, ELSEWHERE, FOREIGN, HOST_PORT, LOCALHOST, OWN, ported, SECOND_ADDRESS } from './frames.js'

/** To the host and the containers by an address that they share, to a port of the host, and to one of the other container. */
export const towards = (destination: string) => {
  const LOCAL = { to: HOST_MAC, destination }
  return {
    LOCAL,
    toHost: { ...LOCAL, destinationPort: HOST_PORT },
    toC2: { ...LOCAL, destinationPort: FOREIGN },
  }
}
const { LOCAL, toHost, toC2 } = towards(HOST_IP)
/** Where systemd-resolved answers. */
const OTHER_LOOPBACK = '127.0.0.53'
const c1Host = { from: 'c1', never: ['host'] } as const
const c1C2 = { from: 'c1', never: ['c2'] } as const

/** What both families have. */
export function sharedLocal({ host, remote, loopback, second, elsewhere, ...frames }: Family): Check[] {
  const { ported, segment, syn } = frames
  const { LOCAL, toHost, toC2 } = towards(host)
  return [
    {
      id: 'A05',
      rule: 'a source of elsewhere and a port of nobody, to the host',
      ...c1Host,
      frame: ported({ ...toHost, source: elsewhere, sourcePort: 7 }),
    },
    {
      id: 'A06',
      rule: "a forged answer of the remote's DNS server",
      ...c1Host,
      frame: ported({ ...LOCAL, source: remote, sourcePort: 53, destinationPort: 40_000 }),
    },
    {
      id: 'A07',
      rule: 'a source of elsewhere and a port of its own, to the host',
      ...c1Host,
      frame: ported({ ...toHost, source: elsewhere }),
    },
    {
      id: 'A08',
      rule: 'the same to another container',
      ...c1C2,
      frame: ported({ ...toC2, source: elsewhere }),
    },
    {
      id: 'A09',
      rule: "the host's address with a port of nobody",
      ...c1Host,
      frame: ported({ ...toHost, sourcePort: 7 }),
    },
    {
      id: 'A10',
      rule: 'the same to the loopback address',
      ...c1Host,
      frame: ported({ ...toHost, destination: loopback, sourcePort: 7 }),
    },
    {
      id: 'A11',
      rule: 'a source of elsewhere to a service at the loopback address',
      ...c1Host,
      frame: ported({ ...toHost, source: elsewhere, destination: loopback }),
    },
    {
      id: 'A15',
      rule: 'a source of elsewhere to the loopback address, port of nobody',
      ...c1Host,
      frame: ported({ ...toHost, source: elsewhere, destination: loopback, sourcePort: 7 }),
    },
    {
      id: 'A46',
      rule: 'a forged answer to a client in another container',
      ...c1C2,
      frame: ported({ ...LOCAL, source: remote, sourcePort: 53, destinationPort: C2.ephemeral[0] }),
    },
    {
      id: 'H15',
      rule: "to the host's other address, from a port of nobody",
      ...c1Host,
      frame: ported({ ...toHost, destination: second, sourcePort: 7 }),
    },
    {
      id: 'H16',
      rule: 'the same from a source of elsewhere and a port of its own',
      ...c1Host,
      frame: ported({ ...toHost, destination: second, source: elsewhere }),
    },
    {
      id: 'H17',
      rule: 'the same from the loopback address, as which nothing may be forwarded',
      from: 'c1',
      never: ['host', 'wire'],
      frame: ported({ ...toHost, destination: second, source: loopback }),
    },
    ...(['shared', 'itself'] as const).map((to, i): Check => ({
      id: `H18${'ab'[i]}`,
      rule: `the host's other address as source, to ${to === 'shared' ? 'the shared one' : to}`,
      ...c1Host,
      frame: ported({
        ...toHost,
        source: second,
        ...(to === 'itself' && { destination: second }),
      }),
    })),
    {
      id: 'H19',
      rule: 'the same to another container',
      ...c1C2,
      frame: ported({ ...toC2, source: second }),
    },
    {
      id: 'H20',
      rule: "to a port of its own at the host's other address",
      from: 'c1',
      never: ['c1', 'host', 'wire'],
      frame: ported({ ...LOCAL, destination: second, destinationPort: OWN + 1 }),
    },
    {
      id: 'H03',
      rule: "the remote's address as source, TCP",
      ...c1Host,
      frame: syn({ ...toHost, source: remote }),
    },
    {
      id: 'H05',
      rule: 'a reset of a connection between the host and another container',
      ...c1Host,
      frame: segment(TCP_RST, { ...LOCAL, sourcePort: FOREIGN, destinationPort: 40_000 }),
    },
    {
      id: 'H06',
      rule: "an answer in the host's name to another container",
      ...c1C2,
      frame: segment(TCP_SYN | TCP_ACK, { ...toC2, sourcePort: HOST_PORT }),
    },
    {
      id: 'H07',
      rule: "an answer in a remote's name to another container",
      ...c1C2,
      frame: segment(TCP_SYN | TCP_ACK, { ...toC2, source: remote, sourcePort: 443 }),
    },
    {
      id: 'A35',
      rule: 'to a port of its own by way of the host (a frame that can circle)',
      from: 'c1',
      never: ['c1'],
      frame: ported({ ...LOCAL, destinationPort: OWN + 1 }),
    },
    {
      id: 'A35b',
      rule: 'the same by the loopback address',
      from: 'c1',
      never: ['c1'],
      frame: ported({ ...LOCAL, source: loopback, destination: loopback, destinationPort: OWN + 1 }),
    },
    {
      id: 'A35c',
      rule: 'from and to one port',
      from: 'c1',
      never: ['c1'],
      frame: ported({ ...LOCAL, destinationPort: OWN }),
    },
    ...(['host', 'c2'] as const).map((place): Check => ({
      id: `L04${place}`,
      rule: `from and to the loopback address, ${place}`,
      from: 'c1',
      frame: ported({ ...(place === 'host' ? toHost : toC2), source: loopback, destination: loopback }),
      arrives: { [place]: 1, wire: 0 },
    })),
  ]
}

/** Between containers and the host only local addresses, and one's own ports as the source. */
export const local: Group = {
  name: 'From a container to the host and to another',
  checks: [
    ...sharedLocal(INET),
    {
      id: 'H01',
      rule: 'to another loopback address, from a port of nobody',
      ...c1Host,
      frame: ported({ ...toHost, destination: OTHER_LOOPBACK, sourcePort: 7 }),
    },
    {
      id: 'H10',
      rule: 'the same from a source of elsewhere and a port of its own',
      ...c1Host,
      frame: ported({ ...toHost, destination: OTHER_LOOPBACK, source: ELSEWHERE }),
    },
    {
      id: 'H11',
      rule: 'another loopback address as source, to itself',
      ...c1Host,
      frame: ported({ ...toHost, destination: OTHER_LOOPBACK, source: OTHER_LOOPBACK }),
    },
    {
      id: 'H12',
      rule: "a forged answer of the host's resolver to a client in another container",
      ...c1C2,
      frame: ported({
        ...LOCAL,
        ...{ source: OTHER_LOOPBACK, sourcePort: 53 },
        ...{ destination: LOCALHOST, destinationPort: C2.ephemeral[0] },
      }),
    },
    {
      id: 'H13',
      rule: 'the same from a port of its own',
      ...c1C2,
      frame: ported({ ...toC2, source: OTHER_LOOPBACK, destination: LOCALHOST }),
    },
    {
      id: 'H14',
      rule: 'to a port of its own at another loopback address',
      from: 'c1',
      never: ['c1', 'host'],
      frame: ported({ ...LOCAL, destination: OTHER_LOOPBACK, destinationPort: OWN + 1 }),
    },
    {
      id: 'H02',
      rule: 'another loopback address as source',
      ...c1Host,
      frame: ported({ ...toHost, source: '127.0.0.2' }),
    },
    {
      id: 'H04',
      rule: 'the unspecified address as source, to another container',
      ...c1C2,
      frame: ported({ ...toC2, source: '0.0.0.0' }),
    },
    {
      id: 'H08',
      rule: 'IP multicast into the host',
      ...c1Host,
      frame: ported({ destination: '224.0.0.1', to: '01:00:5e:00:00:01', destinationPort: HOST_PORT }),
    },
    {
      id: 'H09',
      rule: 'broadcast into the host',
      ...c1Host,
      frame: ported({ destination: '255.255.255.255', to: 'ff:ff:ff:ff:ff:ff', destinationPort: HOST_PORT }),
    },
    {
      id: 'L33',
      rule: 'to another loopback address of the host',
      from: 'c1',
      frame: ported({ ...toHost, source: LOCALHOST, destination: OTHER_LOOPBACK }),
      arrives: { host: 1, wire: 0 },
    },
    {
      id: 'L35',
      rule: "to the host's other address, whatever the frame's destination",
      from: 'c1',
      frame: ported({ destination: SECOND_ADDRESS, destinationPort: HOST_PORT, to: HOST_MAC }),
      arrives: { host: 1, wire: 0 },
    },
    {
      id: 'L36',
      rule: "a port of another container is the host's there",
      from: 'c1',
      frame: ported({ ...toC2, destination: SECOND_ADDRESS }),
      arrives: { host: 1, c2: 0, wire: 0 },
    },
    {
      id: 'L34',
      rule: "a port of another container is the host's there",
      from: 'c1',
      frame: ported({ ...toC2, source: LOCALHOST, destination: OTHER_LOOPBACK }),
      arrives: { host: 1, c2: 0, wire: 0 },
    },
  ],
}
