/** A host whose IPv6 changes while an isolator follows it. */
import type { Test } from 'tap'
import type { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import type { Repair } from '../../src/isolator/health/repair.js'
import { sleep } from '../../src/isolator/kernel/sleep.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { ipBatch, ipJson, runIn } from '../helpers/iproute2.js'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import { routerAdvertisement, type RouterAdvertisement } from '../helpers/router-advertisement.js'
import { REMOTE_MAC, WIRE, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { create, emptyTopology, PORTS } from './inet6-host.js'
import { PATIENTLY } from './isolated-topology.js'
import { HOST_LINES, REMOTE_LINK_LOCAL } from './inet6-topology.js'

/** What a host makes of a prefix and its MAC address. */
export const slaac = (prefix: string): string => `${prefix}aff:fe09:2`

export interface Followed extends Topology {
  isolator: PortMappingIsolator
  /** Of the one container, `web-1`. */
  c1: NamespaceRef
  repairs: Repair[]
  /** The remote tells the link about itself as a router. */
  advertises(about?: Partial<RouterAdvertisement>): Promise<void>
}

export interface FollowedOptions extends Partial<PortMappingIsolatorOptions> {
  hostLines?: readonly string[]
  /** Settings of the host's eth0 beside accept_ra, by name. */
  conf?: Readonly<Record<string, number>>
  /** What is advertised before the isolator is made. Default: nothing. */
  advertised?: Partial<RouterAdvertisement>
  /** Default: true. */
  follows?: boolean
}

/** A host without duplicate detection, which takes a second, unless `conf` has it. */
export async function followed(
  t: Test,
  { hostLines = HOST_LINES, conf = {}, advertised, follows = true, ...options }: FollowedOptions = {},
): Promise<Followed> {
  const topology = await emptyTopology(t, [])
  const { remote, host, containers } = topology
  const c1 = containers[0]!
  const settings = { accept_ra: 2, dad_transmits: 0, ...conf }
  const lines = Object.entries(settings).map(([name, value]) => `net.ipv6.conf.${WIRE}.${name}=${value}`)
  await runIn(host.path, 'sysctl', '-qw', ...lines)
  await ipBatch(host.name, [...hostLines])
  // Hosts take a neighbour that says it is no router from their default routers (rt6_clean_tohost, net/ipv6/route.c).
  await runIn(remote.path, 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1')
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })
  const advertises = async (about: Partial<RouterAdvertisement> = {}): Promise<void> => {
    await wire.send(routerAdvertisement({ router: REMOTE_LINK_LOCAL, mac: REMOTE_MAC, ...about }))
    await tool.flush()
  }
  if (advertised) {
    await advertises(advertised)
    await until(async () => {
      const there = await inUseOn(host)
      return (advertised.prefixes ?? []).every(({ prefix }) => there.includes(slaac(prefix)))
    })
  }
  const isolator = await create(topology, options)
  t.teardown(() => isolator.destroy())
  await isolator.isolate('web-1', { netns: c1.name, ports: PORTS })
  const repairs: Repair[] = []
  if (follows) {
    isolator.on('repaired', repair => void repairs.push(repair))
    isolator.on('error', error => t.error(error))
  }
  return { ...topology, isolator, c1, repairs, advertises }
}

interface Shown {
  addr_info: { family: string; local: string; tentative?: boolean; dadfailed?: boolean }[]
}

/** The IPv6 addresses that a host uses. */
export async function inUseOn({ name }: NamespaceRef): Promise<string[]> {
  const links = await ipJson<Shown>(name, `addr show dev ${WIRE}`)
  return links.flatMap(({ addr_info }) =>
    addr_info.flatMap(({ family, local, tentative, dadfailed }) =>
      family === 'inet6' && !tentative && !dadfailed ? [local] : [],
    ),
  )
}

/** Waits until something holds, for ten seconds at most. */
export async function until(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 10_000
  for (;;) {
    if (await condition()) return true
    if (performance.now() > deadline) return false
    await sleep(20)
  }
}

/** Waits until verify() reports nothing. */
export const isClean = async (t: Test, { isolator }: Followed, name: string): Promise<void> => {
  t.ok(await until(async () => (await isolator.verify()).length === 0), `${name}: verify() is clean`)
}

/** A connection of a container that goes on, and says so. */
export async function connection(from: NamespaceRef, address: string, port: number) {
  const socket = tcpSocketIn(from, '::')
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject)
    socket.connect(port, address)
  })
  return {
    talks: (): Promise<boolean> =>
      new Promise(resolve => {
        const timer = setTimeout(() => resolve(false), PATIENTLY.timeout)
        socket.once('data', () => {
          clearTimeout(timer)
          resolve(true)
        })
        socket.write('x')
      }),
    close: () => socket.destroy(),
  }
}
