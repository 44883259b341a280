import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ipBatch, runIn } from '../helpers/iproute2.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { createTopology, HOST_IP, HOST_MAC, REMOTE_IP, WIRE, type Topology } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINES, REMOTE_LINES, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { needsIsolation, PATIENTLY } from '../isolator/isolated-topology.js'
import { NETWORK } from './network.js'
import { call, mapped, type CallOptions } from './plug-in-process.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const needsLimits = allOf(needsIsolation(), hasQdisc('htb'))

/** A host on which nobody has called the plug-in yet. */
async function hostOf(t: Test, containers = 1): Promise<Topology> {
  const topology = await createTopology({ containers, prefix: 'n' })
  t.teardown(async () => {
    await PortMappingIsolator.remove({ netns: topology.host.name })
    await topology.close()
  })
  return topology
}

/** Ids and ports of the containers of a host. */
async function containersOf({ host }: Topology): Promise<Record<string, unknown>> {
  const { containers } = await PortMappingIsolator.inspect({ netns: host.name })
  return Object.fromEntries(containers.map(({ id, ports }) => [id, ports]))
}

/** The names in /run/netns that containers have. */
const namesLeft = (): string[] => readdirSync('/run/netns').filter(name => /^pm\d/.test(name))

/** Whether what is sent to a port of the host comes back from a container. */
async function answers({ remote }: Topology, port: number, address = HOST_IP): Promise<boolean> {
  const { answer } = await tcpExchange(remote, address, port, Buffer.from('hello'), PATIENTLY)
  return answer.toString() === 'hello'
}

t.test('ADD, CHECK, DEL in each version, with traffic', needsIsolation(), async t => {
  const topology = await hostOf(t)
  const { host, containers } = topology
  const [container] = containers as [(typeof containers)[0]]
  for (const cniVersion of ['0.4.0', '1.0.0', '1.1.0']) {
    const options: CallOptions = {
      netns: container.path,
      config: { cniVersion, dns: { nameservers: ['192.0.2.53'] }, ...mapped(31_000, 31_001) },
    }
    const { status, result } = await call(host, 'ADD', options)
    t.equal(status, 0, JSON.stringify(result))
    const [link, inside, ...others] = result.interfaces ?? []
    t.match(link, { name: 'pm1', mac: /^([0-9a-f]{2}:){5}/ })
    t.notOk(link && 'sandbox' in link)
    t.strictSame(inside, {
      name: 'eth0',
      mac: HOST_MAC,
      ...(cniVersion === '1.1.0' && { mtu: 1500 }),
      sandbox: container.path,
    })
    t.strictSame(
      { ...result, interfaces: others },
      {
        cniVersion,
        interfaces: [],
        ips: [
          {
            ...(cniVersion === '0.4.0' && { version: '4' }),
            address: `${HOST_IP}/24`,
            gateway: REMOTE_IP,
            interface: 1,
          },
        ],
        routes: [{ dst: '0.0.0.0/0', gw: REMOTE_IP }],
        dns: { nameservers: ['192.0.2.53'] },
      },
    )
    {
      await using _echo = await tcpEcho(container, '0.0.0.0', 31_001)
      t.ok(await answers(topology, 31_001), cniVersion)
    }
    t.strictSame(await call(host, 'CHECK', options), { status: 0, result: {} })
    t.strictSame(await call(host, 'DEL', options), { status: 0, result: {} })
    t.strictSame(await call(host, 'DEL', options), { status: 0, result: {} }, 'twice')
    t.strictSame(await containersOf(topology), {})
    t.match(await call(host, 'CHECK', options), { status: 1, result: { code: 3 } })
  }
})

t.test('both families in each version', needsIsolation(), async t => {
  const topology = await hostOf(t)
  const { host, remote, containers } = topology
  await ipBatch(host.name, [...HOST_LINES])
  await ipBatch(remote.name, REMOTE_LINES)
  const [container] = containers as [(typeof containers)[0]]
  for (const [cniVersion, neighbours6] of [
    ['0.4.0', 'prefix'],
    ['1.0.0', 'gateway'],
    ['1.1.0', 'gateway'],
  ] as const) {
    const another = '2001:DB8:9:0::0002'
    const hostIPs = ['', '::', '0.0.0.0', HOST_IP, another]
    const options: CallOptions = {
      netns: container.path,
      args: `IP=${another}/64,${HOST_IP}`,
      config: {
        ...{ cniVersion, ipv6: true, neighbours6 },
        runtimeConfig: {
          portMappings: hostIPs.map(hostIP => ({ hostPort: 31_000, containerPort: 31_000, hostIP })),
          ips: [another, `${HOST_IP}/24`],
        },
      },
    }
    const { status, result } = await call(host, 'ADD', options)
    t.equal(status, 0, JSON.stringify(result))
    const version = (number: '4' | '6') => (cniVersion === '0.4.0' ? { version: number } : {})
    t.strictSame(result.ips, [
      { ...version('4'), address: `${HOST_IP}/24`, gateway: REMOTE_IP, interface: 1 },
      {
        ...version('6'),
        address: `${HOST_IP6}/${neighbours6 === 'prefix' ? 64 : 128}`,
        gateway: REMOTE_LINK_LOCAL,
        interface: 1,
      },
    ])
    t.strictSame(result.routes, [
      { dst: '0.0.0.0/0', gw: REMOTE_IP },
      { dst: '::/0', gw: REMOTE_LINK_LOCAL },
    ])
    {
      await using _echo = await tcpEcho(container, '::', 31_000)
      for (const address of [HOST_IP, HOST_IP6]) t.ok(await answers(topology, 31_000, address), address)
    }
    t.strictSame(await call(host, 'CHECK', options), { status: 0, result: {} })
    t.strictSame(await call(host, 'DEL', options), { status: 0, result: {} })
    await PortMappingIsolator.remove({ netns: host.name })
  }
  for (const config of [
    { runtimeConfig: { ips: ['2001:db8:9::77/64'] } },
    { runtimeConfig: { ips: [`${HOST_IP6}%eth0`] } },
    { runtimeConfig: { portMappings: [{ hostPort: 31_000, containerPort: 31_000, hostIP: '::1' }] } },
  ])
    t.match(await call(host, 'ADD', { netns: container.path, config: { ipv6: true, ...config } }), {
      status: 1,
      result: { code: 7, msg: /cannot be had: .* the host's addresses, 10\.9\.0\.2, 2001:db8:9::2, / },
    })
  await PortMappingIsolator.remove({ netns: host.name })
  t.match(
    await call(host, 'ADD', { netns: container.path, config: { runtimeConfig: { ips: [HOST_IP6] } } }),
    {
      status: 1,
      result: { code: 7, msg: /cannot be had: .* the host's address, 10\.9\.0\.2, / },
    },
    'without the key ipv6',
  )
})

t.test(
  'what runtimes in Go write: capitals, null, every protocol, an address of the host',
  needsLimits,
  async t => {
    const topology = await hostOf(t)
    const { host, containers } = topology
    const config = {
      ipam: {},
      dns: null,
      prevResult: null,
      args: null,
      bloatReduction: 'none',
      runtimeConfig: {
        PortMappings: [
          { HostPort: 31_010, ContainerPort: 31_010, Protocol: 'tcp', HostIP: '' },
          { HostPort: 31_010, ContainerPort: 31_010, Protocol: 'udp', HostIP: HOST_IP },
          { hostPort: 31_011, containerPort: 31_011, protocol: 'TCP', hostIP: '0.0.0.0' },
          { HostPort: 0, ContainerPort: 9 },
        ],
        portRanges: '31100-31107',
        Bandwidth: { IngressRate: 80_000_000, IngressBurst: 8_000_000, EgressRate: 0, EgressBurst: 0 },
        ips: [`${HOST_IP}/24`],
        'io.kubernetes.cri.pod-annotations': { 'rtnetlink.ports': '31108-31115', other: 'x' },
      },
    }
    const { status, result } = await call(host, 'ADD', {
      netns: containers[0]!.path,
      args: `IgnoreUnknown=1;K8S_POD_NAME=a;RTNETLINK_PORTS=31012;IP=${HOST_IP}`,
      config,
    })
    t.equal(status, 0, JSON.stringify(result))
    const { containers: found } = await PortMappingIsolator.inspect({ netns: host.name })
    t.match(found, [
      {
        id: 'shared:c1',
        ports: [
          [31_010, 31_012],
          [31_100, 31_115],
        ],
        ingress: { rate: 10_000_000, burst: 1_000_000 },
      },
    ])
    t.notOk(found[0] && 'egress' in found[0], 'a rate of 0 is no limit')
  },
)

t.test('what the host decides', needsIsolation(), async t => {
  const topology = await hostOf(t, 2)
  const { host, containers } = topology
  const [one, other] = containers as [(typeof containers)[0], (typeof containers)[0]]
  const refused = async (options: CallOptions, code: number, msg: RegExp) =>
    t.match(await call(host, 'ADD', options), { status: 1, result: { code, msg } })
  await refused(
    { netns: one.path, config: { runtimeConfig: { ips: ['10.9.0.77/24'] } } },
    7,
    /^the static address 10\.9\.0\.77\/24 cannot be had: .*10\.9\.0\.2/,
  )
  await refused({ netns: one.path, args: 'IP=10.9.0.77' }, 7, /10\.9\.0\.77/)
  await refused(
    {
      netns: one.path,
      config: {
        runtimeConfig: { portMappings: [{ hostPort: 31_000, containerPort: 31_000, hostIP: '127.0.0.1' }] },
      },
    },
    7,
    /^port 31000 at 127\.0\.0\.1 alone cannot be had/,
  )
  await refused({ netns: one.path, config: mapped(80) }, 104, /80/)
  await refused({ netns: host.path }, 7, /the host's/)
  await refused({ netns: one.path, config: { publicInterface: 'eth9' } }, 7, /eth9/)
  t.strictSame(await containersOf(topology), {}, 'nothing is left of them')

  t.match(await call(host, 'ADD', { netns: one.path, config: mapped(31_000) }), { status: 0 })
  await refused({ id: 'c2', netns: other.path, config: mapped(31_000) }, 103, /31000/)
  await refused({ id: 'c2', netns: one.path }, 107, /c1/)
  await refused(
    { id: 'c1', netns: one.path, ifname: 'eth1' },
    107,
    /in network 'shared' already, by its interface eth0/,
  )
  await refused({ id: 'c1', netns: one.path }, 107, /isolated already/)
  {
    await using _echo = await tcpEcho(host, '0.0.0.0', 31_005)
    await refused({ id: 'c2', netns: other.path, config: mapped(31_005) }, 105, /31005/)
    t.match(
      await call(host, 'ADD', {
        id: 'c2',
        netns: other.path,
        config: { hostSockets: 'ignore', ...mapped(31_005) },
      }),
      { status: 0 },
      "a runtime's own placeholder",
    )
  }
  t.strictSame(await containersOf(topology), {
    'shared:c1': [[31_000, 31_000]],
    'shared:c2': [[31_005, 31_005]],
  })
  t.strictSame(
    await call(host, 'DEL', { id: 'c1', netns: one.path, ifname: 'eth1' }),
    { status: 0, result: {} },
    'of an attachment that was refused',
  )
  t.strictSame(Object.keys(await containersOf(topology)), ['shared:c1', 'shared:c2'])
})

t.test('DEL succeeds whatever became of the rest', needsIsolation(), async t => {
  const topology = await hostOf(t)
  const { host, containers } = topology
  const gone = {
    netns: '/run/netns/gone',
    config: { ephemeralPorts: '1-2', publicInterface: 'eth9', odd: 1 },
  }
  t.strictSame(await call(host, 'DEL', gone), { status: 0, result: {} }, 'where nothing ever was')
  t.match(await call(host, 'ADD', { netns: containers[0]!.path, config: mapped(31_000) }), { status: 0 })
  t.strictSame(await call(host, 'DEL', { ...gone, netns: '' }), { status: 0, result: {} })
  t.strictSame(await containersOf(topology), {})
})

t.test(
  'an ADD of the same id in another namespace takes the place of the first',
  needsIsolation(),
  async t => {
    const topology = await hostOf(t, 2)
    const { host, containers } = topology
    const [one, other] = containers as [(typeof containers)[0], (typeof containers)[0]]
    t.match(await call(host, 'ADD', { netns: one.path, config: mapped(31_000) }), { status: 0 })
    t.match(
      await call(host, 'ADD', { netns: other.path, config: { ports: '31500-31999', ...mapped(31_000) } }),
      { status: 1, result: { code: 104 } },
      'a port that the network gave out before',
    )
    t.strictSame(await containersOf(topology), { 'shared:c1': [[31_000, 31_000]] }, 'leaves it alone')
    t.match(await call(host, 'ADD', { netns: other.path, config: mapped(31_000) }), { status: 0 })
    t.strictSame(await containersOf(topology), { 'shared:c1': [[31_000, 31_000]] })
    t.match(
      await call(host, 'CHECK', { netns: one.path, config: mapped(31_000) }),
      { status: 1, result: { code: 102, msg: /it is in another namespace than / } },
      'a CHECK looks at the namespace',
    )
    await using _echo = await tcpEcho(other, '0.0.0.0', 31_000)
    t.ok(await answers(topology, 31_000))
  },
)

t.test(
  "Nomad's calls: each port in tcp and udp, an address, and an ADD after a failed CHECK",
  needsIsolation(),
  async t => {
    const topology = await hostOf(t, 2)
    const { host, containers } = topology
    const [one, anew] = containers as [(typeof containers)[0], (typeof containers)[0]]
    const portMappings = [31_000, 31_001].flatMap(port =>
      ['tcp', 'udp'].map(Protocol => ({ HostPort: port, ContainerPort: port, Protocol, HostIP: HOST_IP })),
    )
    const calls = {
      args: 'IgnoreUnknown=true;NOMAD_ALLOC_ID=a;RTNETLINK_PORTS=31100-31107',
      config: { cniVersion: '1.0.0', runtimeConfig: { portMappings } },
    }
    const ports = [
      [31_000, 31_001],
      [31_100, 31_107],
    ]
    const added = await call(host, 'ADD', { ...calls, netns: one.path })
    t.match(added, { status: 0, result: { ips: [{ address: `${HOST_IP}/24`, interface: 1 }] } })
    const prevResult = added.result
    const withResult = { ...calls, config: { ...calls.config, prevResult } }
    t.strictSame(await call(host, 'CHECK', { ...withResult, netns: one.path }), { status: 0, result: {} })

    await ipBatch(one.name, ['link set eth0 down'])
    t.match(
      await call(host, 'CHECK', { ...withResult, netns: one.path }),
      { status: 0 },
      'recover() has put it right',
    )
    await ipBatch(one.name, ['link set eth0 name gone0'])
    t.match(await call(host, 'CHECK', { ...withResult, netns: one.path }), {
      status: 1,
      result: { code: 102 },
    })
    t.match(await call(host, 'ADD', { ...calls, netns: anew.path }), { status: 0 }, 'no DEL came before')
    t.strictSame(await containersOf(topology), { 'shared:c1': ports })
    t.strictSame(await call(host, 'CHECK', { ...withResult, netns: anew.path }), { status: 0, result: {} })
    t.match(
      await call(host, 'ADD', { ...calls, netns: anew.path }),
      { status: 1, result: { code: 107 } },
      'a retry',
    )
    t.strictSame(await call(host, 'DEL', { ...withResult, netns: anew.path }), { status: 0, result: {} })
    t.strictSame(await containersOf(topology), {})
  },
)

t.test('GC keeps what is valid, and what is not of its network', needsIsolation(), async t => {
  const topology = await hostOf(t, 3)
  const { host, containers } = topology
  const names = ['a', 'b']
  for (const [i, id] of names.entries())
    t.match(await call(host, 'ADD', { id, netns: containers[i]!.path }), { status: 0 })
  t.match(await call(host, 'ADD', { id: 'c', netns: containers[2]!.path, config: { name: 'shared2' } }), {
    status: 0,
  })
  const valid = (...ids: string[]) => ({
    config: { 'cni.dev/valid-attachments': ids.map(id => ({ containerID: id, ifname: 'eth0' })) },
  })
  t.strictSame(await call(host, 'GC', valid('a', 'b', 'x')), { status: 0, result: {} })
  t.strictSame(Object.keys(await containersOf(topology)), ['shared:a', 'shared:b', 'shared2:c'])
  t.strictSame(await call(host, 'GC', valid('b')), { status: 0, result: {} })
  t.strictSame(Object.keys(await containersOf(topology)), ['shared:b', 'shared2:c'])
  t.match(
    await call(host, 'GC', { config: { 'cni.dev/valid-attachments': [null] } }),
    { status: 1, result: { code: 7 } },
    'a list of what is no attachment takes nothing away',
  )
  t.strictSame(Object.keys(await containersOf(topology)), ['shared:b', 'shared2:c'])
  t.strictSame(
    await call(host, 'GC', { config: { 'cni.dev/valid-attachments': null } }),
    { status: 0, result: {} },
    'null is the empty list of Go',
  )
  t.strictSame(Object.keys(await containersOf(topology)), ['shared2:c'])
})

t.test('STATUS', needsIsolation(), async t => {
  const { host, containers } = await hostOf(t)
  const counted = async (): Promise<unknown> => {
    const program = [process.execPath, '--import', `${ROOT}scripts/typescript.js`] as const
    return JSON.parse(
      await runIn(host.path, ...program, `${ROOT}test/cni/fixtures/status.ts`, JSON.stringify(NETWORK)),
    )
  }
  t.strictSame(await call(host, 'STATUS'), { status: 0, result: {} }, 'before the first ADD')
  t.strictSame(
    await counted(),
    { status: 0, probes: 1 },
    'the kernel is tried out in a namespace made for it',
  )
  t.match(await call(host, 'ADD', { netns: containers[0]!.path }), { status: 0 })
  t.strictSame(await call(host, 'STATUS'), { status: 0, result: {} })
  t.strictSame(await counted(), { status: 0, probes: 0 }, 'not again on a host that is prepared')
})

t.test('DEL whatever the host has done to its interface since', needsIsolation(), async t => {
  const topology = await hostOf(t)
  const { host, containers } = topology
  const gone: [what: string, change: string[], restore: string[]][] = [
    ['down', [`link set ${WIRE} down`], [`link set ${WIRE} up`]],
    [
      'renamed',
      [`link set ${WIRE} down`, `link set ${WIRE} name other0`, 'link set other0 up'],
      ['link set other0 down', `link set other0 name ${WIRE}`, `link set ${WIRE} up`],
    ],
    ['without an address', [`address flush dev ${WIRE}`], [`address add ${HOST_IP}/24 dev ${WIRE}`]],
    ['with another gateway', [`route replace default via 10.9.0.77 dev ${WIRE}`], []],
  ]
  for (const [what, change, restore] of gone) {
    await ipBatch(host.name, [`route replace default via ${REMOTE_IP} dev ${WIRE}`])
    const added = await call(host, 'ADD', { netns: containers[0]!.path, config: mapped(31_000) })
    t.equal(added.status, 0, `${what}: ${JSON.stringify(added.result)}`)
    await ipBatch(host.name, change)
    t.strictSame(await call(host, 'DEL', { netns: containers[0]!.path }), { status: 0, result: {} }, what)
    t.strictSame(await containersOf(topology), {}, what)
    t.strictSame(namesLeft(), [], what)
    await ipBatch(host.name, restore)
  }
})

t.test('twenty calls at a time', needsIsolation(), async t => {
  const topology = await hostOf(t, 20)
  const { host, containers } = topology
  const options = containers.map(({ path }, i) => ({
    id: `c${i}`,
    netns: path,
    config: mapped(31_000 + 2 * i, 31_001 + 2 * i),
  }))
  for (const command of ['ADD', 'CHECK', 'DEL'] as const) {
    const results = await Promise.all(options.map(one => call(host, command, one)))
    t.strictSame(
      results.filter(({ status }) => status !== 0),
      [],
      command,
    )
    if (command === 'ADD') t.equal(Object.keys(await containersOf(topology)).length, 20)
  }
  t.strictSame(await containersOf(topology), {})
  t.strictSame(namesLeft(), [], `nothing is left of ${NETWORK.name}`)
})
