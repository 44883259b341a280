import { setTimeout as sleep } from 'node:timers/promises'
import { ip, ipJson } from '../helpers/iproute2.js'
import { macOption, udp6 } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { MOMENT, received } from './acts.js'
import type { Group, Scenario } from './check.js'
import { INET6, twins } from './family.js'
import { HOST_PORT, OWN, type Frame } from './frames.js'
import {
  advertisement6,
  datagram6,
  errorAbout6,
  INBOUND6,
  routerAdvertisement,
  solicitation6,
} from './frames6.js'
import { sharedTricks6 } from './tricks.js'
import type { World } from './world.js'

/** Sends from c1, and waits for what it may bring about. */
async function sends(world: World, ...frames: readonly Frame[]): Promise<void> {
  const inside = await world.eth0(world.c1, { protocol: 0 })
  await inside.send(...frames.map(frame => frame(world.mark())))
  await sleep(MOMENT)
  await inside.close()
}

const ID = 0x4711
/** A datagram from the remote to the host in two fragments; where the second begins is a multiple of 8. */
function fragments(payload: Buffer, at: number): { first: Buffer; tail: (mac: string) => Buffer } {
  const fields = { source: REMOTE_IP6, destination: HOST_IP6, protocol: 44, to: HOST_MAC }
  const header = (offset: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes[0] = 17
    bytes.writeUInt16BE(offset === 0 ? 1 : offset, 2)
    bytes.writeUInt32BE(ID, 4)
    return bytes
  }
  return {
    first: datagram6(Buffer.concat([header(0), payload.subarray(0, at)]), { ...fields, mac: REMOTE_MAC }),
    tail: mac => datagram6(Buffer.concat([header(at), payload.subarray(at)]), { ...fields, mac }),
  }
}

/** The MTU that a namespace believes the path to an address has; undefined where it is the link's. */
async function pathMtu({ name }: NamespaceRef, address: string): Promise<number | undefined> {
  const [route] = await ipJson<{ metrics?: { mtu?: number }[] }>(name, `-6 route get ${address}`)
  return route?.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu
}

const CLIENT_PORT = 40_000
const SMALL_MTU = { type: 2, rest: Buffer.from([0, 0, 5, 0]) } as const

/** A forged "packet too big" about a flow between the remote and the host, and who believes it. */
const tooBig = (
  id: string,
  rule: string,
  { frame, of, to }: { frame: Frame; of: 'remote' | 'host'; to: string },
): Scenario => ({
  id,
  rule,
  control: 'open',
  run: async world => {
    await using _server = await udpEcho(world.host, INET6.any, HOST_PORT)
    // An error about a socket that there is not is not believed.
    await using _client = await udpEcho(world.remote, INET6.any, CLIENT_PORT)
    const opened = await udpExchange(world.remote, HOST_IP6, HOST_PORT, world.patience)
    await sends(world, frame)
    const mtu = await pathMtu(world[of], to)
    await ip(world[of].name, '-6 route flush cache')
    if (mtu !== undefined) return `the ${of} believes ${mtu}`
    return world.layout === 'ours' && opened !== 'answered' ? `the flow: ${opened}` : undefined
  },
})

/** What takes more than one frame to try, or leaves the layout changed. */
export const tricks6: Group = {
  name: 'Tricks of more than one frame, IPv6',
  checks: [
    ...twins([
      {
        id: 'A17',
        rule: 'the tail of a datagram from a remote to the host',
        control: 'open',
        run: async world => {
          const ports = { sourcePort: 53, destinationPort: HOST_PORT }
          const ends = { source: REMOTE_IP6, destination: HOST_IP6 }
          const { first, tail } = fragments(udp6(ports, Buffer.alloc(1200, 'forged '), ends), 1000)
          const [wire, inside] = await Promise.all(
            [world.remote, world.c1].map(namespace => world.eth0(namespace, { protocol: 0 })),
          )
          const messages = await received(
            world.host,
            HOST_PORT,
            async () => {
              await wire!.send(first)
              await inside!.send(tail(HOST_MAC))
            },
            INET6.any,
          )
          await Promise.all([wire!.close(), inside!.close()])
          return messages.length > 0 ? `got ${messages[0]!.length} bytes, the end of them forged` : undefined
        },
      },
      {
        id: 'R05',
        rule: "the tail of a datagram to the host, with bytes like a container's port",
        run: async ({ remote, host }) => {
          await using _server = await udpEcho(host, INET6.any, HOST_PORT)
          const payload = Buffer.alloc(4000, Buffer.from([OWN >> 8, OWN & 255]))
          const outcome = await udpExchange(remote, HOST_IP6, HOST_PORT, { payload, timeout: 1500 })
          return outcome === 'answered' ? undefined : `the host's datagram: ${outcome}`
        },
      },
      ...sharedTricks6,
    ]),
    {
      id: 'K01',
      rule: 'questions in the name of 200 neighbours, which fill the table of a remote',
      control: 'open',
      run: async world => {
        const questions = Array.from({ length: 200 }, (_, i) =>
          solicitation6({ source: `2001:db8:9::${(0x300 + i).toString(16)}`, target: REMOTE_IP6 }),
        )
        await sends(world, ...questions)
        const entries = await ipJson<{ dst: string }>(world.remote.name, '-6 neigh show nud all')
        const forged = entries.filter(({ dst }) => dst.startsWith('2001:db8:9::3')).length
        return forged > 0 ? `the remote has ${forged} entries` : undefined
      },
    },
    {
      id: 'K02',
      rule: "an advertisement that gives the gateway's entry of the host, and of another container, another MAC",
      control: 'open',
      run: async world => {
        const evil = '02:00:0a:09:00:66'
        const table = async ({ name }: NamespaceRef): Promise<boolean> =>
          (await ipJson<{ lladdr?: string }>(name, '-6 neigh show nud all')).some(
            ({ lladdr }) => lladdr === evil,
          )
        await udpExchange(world.remote, HOST_IP6, HOST_PORT, { timeout: 100 })
        const forged = { options: macOption(2, evil) }
        await sends(
          world,
          advertisement6({ ...forged, source: REMOTE_LINK_LOCAL, target: REMOTE_LINK_LOCAL }),
          advertisement6({ ...forged, source: HOST_IP6, target: HOST_IP6 }),
        )
        const places = ['host', 'c2', 'remote'] as const
        const believers = await Promise.all(places.map(place => table(world[place])))
        const wrong = places.filter((_, i) => believers[i])
        await ip(world.remote.name, `neigh flush dev ${WIRE}`)
        return wrong.length > 0 ? `${wrong.join(', ')} believe it` : undefined
      },
    },
    {
      id: 'K03',
      rule: 'a router advertisement, by which a remote takes the container for its router',
      control: 'open',
      run: async world => {
        await sends(world, routerAdvertisement())
        const routes = await ipJson<{ gateway?: string }>(world.remote.name, '-6 route show default')
        const taken = routes.some(({ gateway }) => gateway === HOST_LINK_LOCAL)
        await ip(world.remote.name, `-6 route flush proto ra`)
        return taken ? 'the remote has a default route by it' : undefined
      },
    },
    {
      id: 'K04',
      rule: "an answer to a remote's detection of duplicates, which makes it give up an address",
      control: 'open',
      run: async world => {
        const address = '2001:db8:9::44'
        await ip(world.remote.name, `addr add ${address}/64 dev ${WIRE}`)
        for (let i = 0; i < 4; i++) await sends(world, advertisement6({ source: address, target: address }))
        const [link] = await ipJson<{ addr_info: { local?: string; dadfailed?: boolean }[] }>(
          world.remote.name,
          `-6 addr show dev ${WIRE}`,
        )
        const failed = link?.addr_info.some(({ local, dadfailed }) => local === address && dadfailed)
        await ip(world.remote.name, `addr del ${address}/64 dev ${WIRE}`)
        return failed ? 'the remote has given it up' : undefined
      },
    },
    tooBig('K05', '"packet too big" to a remote about its flow with the host', {
      frame: errorAbout6(SMALL_MTU, { destinationPort: HOST_PORT, sourcePort: CLIENT_PORT }),
      of: 'remote',
      to: HOST_IP6,
    }),
    tooBig('K06', '"packet too big" to the host about its flow with a remote', {
      frame: errorAbout6(
        SMALL_MTU,
        { source: HOST_IP6, destination: REMOTE_IP6, sourcePort: HOST_PORT, destinationPort: CLIENT_PORT },
        { ...INBOUND6, mac: HOST_MAC },
      ),
      of: 'host',
      to: REMOTE_IP6,
    }),
  ],
}
