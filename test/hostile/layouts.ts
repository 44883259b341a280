import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { OPTIONS, firstPort } from '../isolator/isolated-topology.js'
import { HOST_LINES_WITH_OTHERS, REMOTE_LINES } from '../isolator/inet6-topology.js'
import { ip, ipBatch, runIn, tcBatch } from '../helpers/iproute2.js'
import { createTopology, WIRE, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { ClassicLayout } from './classic-layout.js'
import { C1, C2, SECOND_ADDRESS } from './frames.js'
import { type Built, type LayoutName } from './world.js'

/** What a machine's owner may have set, in the host's namespace; `before` the layout is made, and after. */
export interface HostSettings {
  readonly before?: (topology: Topology) => Promise<void>
  readonly after?: (topology: Topology) => Promise<void>
  /** Host and remote have IPv6 addresses, and containers share the host's. Default: the host has none but a link-local one. */
  readonly inet6?: boolean
  /** Options of our layout. */
  readonly options?: Partial<PortMappingIsolatorOptions>
}

const SPARE_CONTAINERS = 2
/** Enough for 40 containers. */
const EPHEMERAL = { ephemeralPorts: '20480-30719', ephemeralPortsPerContainer: 256 } as const

/** Two containers on a host, each with eight ports and 1024 ephemeral ones. */
export async function build(layout: LayoutName, settings: HostSettings = {}): Promise<Built> {
  const topology = await createTopology({ containers: 2 + SPARE_CONTAINERS, prefix: 'a' })
  try {
    await ip(topology.host.name, `addr add ${SECOND_ADDRESS}/24 dev ${WIRE}`)
    if (settings.inet6) {
      await ipBatch(topology.host.name, HOST_LINES_WITH_OTHERS)
      await ipBatch(topology.remote.name, REMOTE_LINES)
    }
    await settings.before?.(topology)
    const { inet6 = false, options } = settings
    const built =
      layout === 'classic'
        ? await classic(topology, inet6)
        : await ours(topology, { ...(inet6 && { ipv6: true }), ...options })
    if (layout === 'open') await removeGuard(topology.host, built.veths)
    await settings.after?.(topology)
    return { ...built, layout }
  } catch (error) {
    await topology.close()
    throw error
  }
}

type BuiltLayout = Omit<Built, 'layout'>

async function ours(
  topology: Topology,
  options: Partial<PortMappingIsolatorOptions> = {},
): Promise<BuiltLayout> {
  const isolator = await PortMappingIsolator.create({
    ...OPTIONS,
    ...EPHEMERAL,
    netns: topology.host.name,
    ...options,
  })
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

async function classic(topology: Topology, inet6: boolean): Promise<BuiltLayout> {
  const layout = await ClassicLayout.create(topology.host, inet6)
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
  // The bridge behind the filters would take what no filter does.
  await ipBatch(
    name,
    veths.map(dev => `link set ${dev} nomaster`),
  )
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
const HOSTILE_SYSCTLS: readonly string[] = [
  'ipv4.ip_forward=1',
  ...['all', 'default'].flatMap(which => [
    ...['route_localnet', 'accept_local', 'proxy_arp', 'accept_source_route', 'accept_redirects'].map(
      name => `ipv4.conf.${which}.${name}=1`,
    ),
    `ipv4.conf.${which}.rp_filter=0`,
    `ipv6.conf.${which}.disable_ipv6=0`,
  ]),
  'ipv6.conf.all.forwarding=1',
].map(setting => `net.${setting}`)

async function sysctls({ path }: NamespaceRef, lines: readonly string[]): Promise<void> {
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

export const HOST_SETTINGS: Readonly<Record<string, HostSettings>> = {
  'all hostile, before create()': {
    before: async topology => {
      await sysctls(topology.host, HOSTILE_SYSCTLS)
      await engineBridge(topology)
    },
  },
  'all hostile, set afterwards, on every interface': {
    after: async topology => {
      await engineBridge(topology)
      await sysctls(topology.host, [
        ...HOSTILE_SYSCTLS,
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
