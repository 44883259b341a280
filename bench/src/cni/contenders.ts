import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { callPlugIn, type Contender, type Mapping } from './plug-in.js'

const CNI = fileURLToPath(new URL('../../../cni/', import.meta.url))
const DEBIAN = '/usr/lib/cni'

/** The network of our own contenders: that of the daemon, too. */
export const NETWORK = {
  cniVersion: '1.0.0',
  name: 'shared',
  type: 'rtnetlink-cni',
  publicInterface: 'eth0',
  ports: '20000-31999',
  ephemeralPorts: '32768-57343',
  ephemeralPortsPerContainer: 16,
  reserveHostPorts: true,
  capabilities: { portMappings: true },
}

const variables = (command: 'ADD' | 'DEL', id: string, netns: string) => ({
  CNI_COMMAND: command,
  CNI_CONTAINERID: id,
  CNI_NETNS: netns,
})

function ours(
  name: string,
  program: readonly [string, ...string[]],
  more: Record<string, string>,
): Contender {
  const call = (command: 'ADD' | 'DEL', id: string, netns: string, portMappings: readonly Mapping[]) =>
    callPlugIn(
      program,
      { ...variables(command, id, netns), ...more },
      { ...NETWORK, runtimeConfig: { portMappings } },
    )
  return {
    name,
    ours: true,
    add: (id, netns, ports) => call('ADD', id, netns, ports),
    del: (id, netns, ports) => call('DEL', id, netns, ports),
  }
}

/** The plug-in without a daemon, on another host: a Node.js for each call. */
export const withoutDaemon = (netns: string): Contender =>
  ours(
    'rtnetlink-cni without daemon',
    ['nsenter', `--net=/run/netns/${netns}`, process.execPath, join(CNI, 'lib/rtnetlink-cni.js')],
    {},
  )

/** The client in C, which hands calls to the daemon that listens at `socket`. */
export const withDaemon = (socket: string): Contender =>
  ours('rtnetlink-cni with rtnetlinkd', [join(CNI, `prebuilds/linux-${process.arch}/rtnetlink-cni`)], {
    RTNETLINK_CNI_SOCKET: socket,
  })

/** So much that nothing is ever held back: bits per second, and bits. */
const NO_LIMIT = { rate: 30_000_000_000, burst: 2_000_000_000 }

/**
 * What runtimes come with, as podman and nerdctl chain it. Addresses are noted in `dataDir`.
 *
 * @param host the name of the host's namespace. Default: this one
 * @param bandwidth whether limits are set up as well, which nothing comes up to
 */
export function bridgeAndPortmap(
  dataDir: string,
  { host, bandwidth = false }: { host?: string; bandwidth?: boolean } = {},
): Contender {
  const chain = (portMappings: readonly Mapping[]) => [
    {
      type: 'bridge',
      bridge: 'cni-bench0',
      isGateway: true,
      ipMasq: true,
      ipam: {
        type: 'host-local',
        dataDir,
        ranges: [[{ subnet: '10.77.0.0/16' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', runtimeConfig: { portMappings } },
    { type: 'firewall', backend: 'iptables' },
    ...(bandwidth
      ? [
          {
            type: 'bandwidth',
            ...{ ingressRate: NO_LIMIT.rate, ingressBurst: NO_LIMIT.burst },
            ...{ egressRate: NO_LIMIT.rate, egressBurst: NO_LIMIT.burst },
          },
        ]
      : []),
  ]
  const call = (
    command: 'ADD' | 'DEL',
    id: string,
    netns: string,
    plugIn: { type: string },
    prevResult: unknown,
  ) =>
    callPlugIn(programOf(plugIn.type), variables(command, id, netns), {
      cniVersion: '1.0.0',
      name: 'bench',
      ...plugIn,
      prevResult,
    })
  const programOf = (type: string): [string, ...string[]] => {
    const program = join(DEBIAN, type)
    return host === undefined ? [program] : ['nsenter', `--net=/run/netns/${host}`, program]
  }
  const results = new Map<string, unknown>()
  return {
    name: 'bridge + portmap + firewall',
    ours: false,
    add(id, netns, ports) {
      let result: unknown
      for (const plugIn of chain(ports)) result = call('ADD', id, netns, plugIn, result)
      results.set(id, result)
    },
    del(id, netns, ports) {
      for (const plugIn of chain(ports).reverse()) call('DEL', id, netns, plugIn, results.get(id))
      results.delete(id)
    },
  }
}

/** Whether Debian's plug-ins, and the iptables that they start, are there. */
export const hasDebianPlugIns = (): boolean =>
  ['bridge', 'portmap', 'firewall', 'host-local'].every(name => existsSync(join(DEBIAN, name))) &&
  existsSync('/usr/sbin/iptables')
