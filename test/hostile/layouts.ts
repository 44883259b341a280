import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { OPTIONS, firstPort } from '../isolator/isolated-topology.js'
import { ipBatch, tcBatch } from '../helpers/iproute2.js'
import { createTopology, WIRE, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { ClassicLayout } from './classic-layout.js'
import { C1, C2 } from './frames.js'
import { type Built, type LayoutName } from './world.js'

/** What a machine's owner may have set, in the host's namespace; `before` the layout is made, and after. */
export interface HostSettings {
  readonly before?: (topology: Topology) => Promise<void>
  readonly after?: (topology: Topology) => Promise<void>
}

const SPARE_CONTAINERS = 2

/** Two containers on a host, each with eight ports and 1024 ephemeral ones. */
export async function build(layout: LayoutName, settings: HostSettings = {}): Promise<Built> {
  const topology = await createTopology({ containers: 2 + SPARE_CONTAINERS, prefix: 'a' })
  try {
    await settings.before?.(topology)
    const built = layout === 'classic' ? await classic(topology) : await ours(topology)
    if (layout === 'open') await removeGuard(topology.host, built.veths)
    await settings.after?.(topology)
    return { ...built, layout }
  } catch (error) {
    await topology.close()
    throw error
  }
}

type BuiltLayout = Omit<Built, 'layout'>

async function ours(topology: Topology): Promise<BuiltLayout> {
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: topology.host.name })
  const isolate = (id: string, { name }: NamespaceRef, first: number, last = first) =>
    isolator.isolate(id, { netns: name, ports: [[first, last]] })
  const veths = await Promise.all(
    [0, 1].map(async i => {
      const { link } = await isolate(`c${i + 1}`, topology.containers[i]!, firstPort(i), firstPort(i) + 7)
      return link
    }),
  )
  return {
    topology,
    veths: [veths[0]!, veths[1]!],
    add: async (namespace, port) => {
      await isolate(namespace.name, namespace, port)
    },
    close: async () => {
      await isolator.destroy()
      await topology.close()
    },
  }
}

async function classic(topology: Topology): Promise<BuiltLayout> {
  const layout = await ClassicLayout.create(topology.host)
  const veths = [
    await layout.add(topology.containers[0]!, [[C1.first, C1.last], C1.ephemeral], 1),
    await layout.add(topology.containers[1]!, [[C2.first, C2.last], C2.ephemeral], 2),
  ] as const
  let slot = 2
  return {
    topology,
    veths,
    add: async (namespace, port) => {
      await layout.add(namespace, [[port, port]], ++slot)
    },
    close: () => topology.close(),
  }
}

/**
 * Our layout as it would be without what guards it: whatever a container sends goes to the wire, to the loopback and into
 * the host; whatever the wire sends is believed.
 */
async function removeGuard({ name }: NamespaceRef, veths: readonly string[]): Promise<void> {
  await tcBatch(name, [
    `filter del dev ${WIRE} ingress priority 1000`,
    ...veths.flatMap(dev => [
      `filter del dev ${dev} ingress priority 1000`,
      `filter del dev ${dev} ingress priority 65535`,
      `filter add dev ${dev} ingress priority 1000 protocol all bpf bytecode "1,6 0 0 4294967295" ` +
        `action mirred egress mirror dev lo action mirred egress mirror dev ${WIRE}`,
    ]),
  ])
}

/** Settings that would open a machine if anything but the guard kept it closed. */
const HOSTILE_SYSCTLS = {
  ip_forward: ['net.ipv4.ip_forward=1'],
  route_localnet: ['net.ipv4.conf.all.route_localnet=1', 'net.ipv4.conf.default.route_localnet=1'],
  rp_filter: ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0'],
  accept_local: ['net.ipv4.conf.all.accept_local=1', 'net.ipv4.conf.default.accept_local=1'],
  forwarding: [
    'net.ipv4.conf.all.proxy_arp=1',
    'net.ipv4.conf.all.accept_source_route=1',
    'net.ipv4.conf.all.accept_redirects=1',
  ],
  ipv6: [
    'net.ipv6.conf.all.disable_ipv6=0',
    'net.ipv6.conf.default.disable_ipv6=0',
    'net.ipv6.conf.all.forwarding=1',
  ],
} as const

async function sysctls({ path }: NamespaceRef, lines: readonly string[]): Promise<void> {
  const { runIn } = await import('../helpers/iproute2.js')
  await runIn(path, 'sysctl', '-qwe', ...lines)
}

/** A bridge with an address and a port, as a container engine makes it, and the forwarding that it needs. */
async function engineBridge({ host }: Topology): Promise<void> {
  await ipBatch(host.name, [
    'link add docker0 type bridge',
    'addr add 172.17.0.1/16 dev docker0',
    'link add vethd type veth peer name vethe',
    'link set vethd master docker0 up',
    'link set vethe up',
    'link set docker0 up',
  ])
}

const everything = Object.values(HOSTILE_SYSCTLS).flat()

export const HOST_SETTINGS: Readonly<Record<string, HostSettings>> = {
  'ip_forward=1': { before: ({ host }) => sysctls(host, HOSTILE_SYSCTLS.ip_forward) },
  'all hostile, before create()': {
    before: async topology => {
      await sysctls(topology.host, everything)
      await engineBridge(topology)
    },
  },
  'all hostile, set afterwards, on every interface': {
    after: async topology => {
      await engineBridge(topology)
      await sysctls(topology.host, [
        ...everything,
        ...['pm1', 'pm2', WIRE].flatMap(dev => [
          ...['accept_local', 'route_localnet', 'forwarding', 'accept_redirects', 'proxy_arp'].map(
            name => `net.ipv4.conf.${dev}.${name}=1`,
          ),
          `net.ipv4.conf.${dev}.rp_filter=0`,
          `net.ipv4.conf.${dev}.arp_ignore=0`,
          `net.ipv6.conf.${dev}.disable_ipv6=0`,
        ]),
      ])
    },
  },
}
