import { execFileSync } from 'node:child_process'
import { writeFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { giveName } from '../../../src/isolator/container/namespace-handles.js'
import type { Inspection } from '../../../src/isolator/inspection/inspection.js'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { ip, run, runIn, tc } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { processInside } from '../../helpers/process-inside.js'
import { createTopology, HOST_IP, HOST_MAC, REMOTE_IP, type Topology } from '../../helpers/topology.js'
import { firstPort, needsIsolation, OPTIONS, preparedTopology, twoContainers } from '../isolated-topology.js'
import { changesNothing } from '../kernel-state.js'

const FIXTURE = fileURLToPath(new URL('../fixtures/inspect-without-privilege.ts', import.meta.url))

const inspect = ({ host }: Pick<Topology, 'host'>): Promise<Inspection> =>
  PortMappingIsolator.inspect({ netns: host.name })

/** All sysctls of the network that a namespace has. */
const sysctlsOf = ({ host }: Topology): Promise<string> => runIn(host.path, 'sysctl', '-a', '-r', '^net\\.')

t.test('a host without anything of ours', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  await changesNothing(t, [topology.host], async () => {
    const found = await inspect(topology)
    t.match(found, { prepared: false, containers: [], faults: [], unreadable: [] })
    t.notOk('publicInterface' in found)
  })
})

t.test('containers, beside the isolator that made them and after it', needsIsolation(), async t => {
  const { topology, host, isolator, c1 } = await twoContainers(t)
  const pids = [await processInside(t, c1)]
  const sysctls = await sysctlsOf(topology)
  await changesNothing(t, [host, ...topology.containers], async () => {
    const found = await inspect(topology)
    t.match(found, {
      prepared: true,
      ...{ publicInterface: 'eth0', loopbackInterface: 'lo', address: HOST_IP, mac: HOST_MAC, mtu: 1500 },
      ...{ gateway: REMOTE_IP, faults: [], unreadable: [] },
      settings: {
        ...{ neighbours: 'prefix', fragments: 'drop', multicast: 'drop', hostAccess: 'allow' },
        ...{ reservedPorts: [], loopbackMtuBefore: 65_536 },
      },
    })
    const containers = found.containers.map(({ alive: _alive, up: _up, since, pids: _pids, ...info }) => {
      t.ok(Date.parse(since ?? '') <= Date.now(), `since ${since}`)
      return info
    })
    t.strictSame(containers, isolator.list())
    t.match(found.containers, [
      { id: 'web-1', alive: true, up: true, pids },
      { id: 'web-2', alive: false, up: true, pids: [] },
    ])
    t.strictSame(JSON.parse(JSON.stringify(found)), found, 'JSON carries all of it')
  })
  t.equal(await sysctlsOf(topology), sysctls)
  const before = await inspect(topology)
  await isolator.close()
  t.strictSame(await inspect(topology), before, 'after it')
  const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  await again.destroy()
  t.match(await inspect(topology), { prepared: false, containers: [], faults: [] })
})

t.test('a container is alive, wherever root inside has its interface', needsIsolation(), async t => {
  const { topology, isolator, c1, c2 } = await twoContainers(t, { containers: 3 })
  const moved = topology.containers[2]!
  const pid = await processInside(t, c1)
  await processInside(t, moved)
  const seen = async (): Promise<object> => {
    const { containers } = await inspect(topology)
    return containers.map(({ alive, pids }) => ({ alive, pids }))
  }
  const sound = [
    { alive: true, pids: [pid] },
    { alive: false, pids: [] },
  ]
  for (const { path } of [c1, c2])
    await runIn(path, 'ip', 'link', 'set', 'eth0', 'netns', moved.name, 'name', `x${path.at(-1)}`)
  t.strictSame(await seen(), sound, 'moved')
  await run('ip', ['netns', 'delete', 'pm2'])
  t.strictSame(await seen(), [sound[0], { alive: undefined, pids: [] }], 'without a name it is unknown')
  await isolator.close()
})

t.test('without any capability', needsIsolation(), async t => {
  const { topology, host } = await twoContainers(t)
  const printed = execFileSync(
    'nsenter',
    [
      ...[`--net=${host.path}`, 'setpriv', '--bounding-set=-all', '--inh-caps=-all'],
      ...[process.execPath, ...process.execArgv, FIXTURE],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const { capabilities, inspection } = JSON.parse(printed) as {
    capabilities: string
    inspection: Inspection
  }
  t.match(capabilities, /^0+$/)
  t.strictSame(inspection, await inspect(topology), 'it sees as much')
})

const OPTIONS_AND_SETTINGS: [options: Partial<PortMappingIsolatorOptions>, settings: object][] = [
  [{ neighbours: 'gateway' }, { neighbours: 'gateway', fragments: 'drop' }],
  [
    { fragments: 'allow', multicast: 'allow' },
    { fragments: 'allow', multicast: 'allow' },
  ],
  [{ hostAccess: '80,443' }, { hostAccess: 'restricted', multicast: 'drop' }],
  [{ reserveHostPorts: true }, { reservedPorts: [[20480, 28671], [31000, 31999]] }], // prettier-ignore
]

for (const [options, settings] of OPTIONS_AND_SETTINGS) {
  t.test(`the settings of ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const { topology, isolator } = await preparedTopology(t, { containers: 1, ...options })
    await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: '31000' })
    const found = await inspect(topology)
    t.match(found.settings, settings)
    t.strictSame(found.faults, [])
  })
}

t.test('limits', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const { topology, isolator } = await preparedTopology(t, {
    ...{ containers: 1, bloatReduction: 'none', egressEnforcement: 'host' },
    ...{ egressRateLimitPerContainer: '37500KB', ingressRateLimitPerContainer: 1_234_567 },
  })
  const { id } = await isolator.isolate('web-1', { netns: topology.containers[0]!.name })
  t.match((await inspect(topology)).containers, [isolator.get(id)])
})

/** What happens to a host with six containers, one thing after the other, and what is said of it; nothing of the first. */
const STATES: [what: string, change: (topology: Topology) => Promise<unknown>, fault?: RegExp][] = [
  [
    "somebody's filter beside ours",
    ({ host }) => tc(host.name, 'filter add dev eth0 parent ffff: prio 7 protocol ip u32 match u32 0 0'),
  ],
  ['a container is down', ({ host }) => ip(host.name, 'link set pm1 down'), /^'web-1': pm1 is down/],
  [
    'a container has lost its name',
    () => run('ip', ['netns', 'delete', 'pm2']),
    /^'web-2': its namespace has no name \/run\/netns\/pm2/,
  ],
  [
    'a container is out of its bridge',
    ({ host }) => ip(host.name, 'link set pm3 nomaster'),
    /^'web-3': pm3 is not in the bridge pmb0/,
  ],
  [
    'a container has lost its alias',
    ({ host }) => setAlias(host.name, 'pm4', 'x'),
    /^pm4 is a container whose link has lost its alias/,
  ],
  [
    'a container has lost a filter',
    ({ host }) => tc(host.name, 'filter del dev lo ingress prio 1020 protocol ip handle 11e:13:3 u32'),
    /^'web-5' lacks 1 of the filters that lead to it/,
  ],
  [
    'a link is gone',
    ({ host }) => ip(host.name, 'link del pm6'),
    /^\d+ filters of eth0 lead to containers that are gone/,
  ],
  [
    'a link is half made',
    ({ host }) =>
      ip(host.name, `link add pm7 address ${HOST_MAC} arp off multicast off type veth peer name pm7x`),
    /^pm7 is half made/,
  ],
  [
    'the pair of answers is gone',
    ({ host }) => ip(host.name, 'link del pmanswers'),
    /^pmanswers and pmcopies missing/,
  ],
  [
    'lo has another MTU',
    ({ host }) => ip(host.name, 'link set lo mtu 9000'),
    /^lo is not as containers need it: mtu 9000 instead of 1500/,
  ],
  [
    'the address of the public interface is gone',
    ({ host }) => ip(host.name, 'addr flush dev eth0'),
    /^eth0 has lost the address 10\.9\.0\.2/,
  ],
  [
    'a priority is deleted',
    ({ host }) => tc(host.name, 'filter del dev eth0 ingress prio 1020'),
    /^eth0 lacks \d+ of the layout's static filters/,
  ],
  ['the interface is down', ({ host }) => ip(host.name, 'link set eth0 down'), /^eth0 is down/],
  [
    'it has another name',
    ({ host }) => ip(host.name, 'link set eth0 name wan0'),
    /^the interface that was eth0 is wan0 now/,
  ],
  [
    'its qdisc is deleted',
    ({ host }) => tc(host.name, 'qdisc del dev wan0 ingress'),
    /^no interface has the filters of the public interface; it was eth0/,
  ],
  ['it is deleted', ({ host }) => ip(host.name, 'link del wan0'), /^no interface has the filters/],
  [
    'the record is overwritten',
    ({ host }) => setAlias(host.name, 'lo', 'mine'),
    /^lo has another alias, 'mine'/,
  ],
  ['the record is gone', ({ host }) => setAlias(host.name, 'lo', ''), /^lo has no alias/],
  [
    'the qdisc of lo is deleted',
    ({ host }) => tc(host.name, 'qdisc del dev lo ingress'),
    /^lo has no filters of the layout/,
  ],
]

const setAlias = (netns: string, dev: string, alias: string): Promise<unknown> =>
  run('ip', ['-n', netns, 'link', 'set', dev, 'alias', alias])

t.test('what is not as it should be', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, { containers: 6 })
  await isolator.isolateMany(
    topology.containers.map(({ name }, i) => {
      const port = firstPort(i)
      return { id: `web-${i + 1}`, netns: name, ports: [[port, port + 7]] }
    }),
  )
  await isolator.close()
  for (const [what, change, fault] of STATES) {
    await change(topology)
    const { prepared, faults } = await inspect(topology)
    if (fault)
      t.ok(faults.some(text => fault.test(text)), `${what}: ${faults.join('\n')}`) // prettier-ignore
    else t.strictSame(faults, [], what)
    t.equal(prepared, true)
  }
  await changesNothing(t, [host], async () => {
    const { containers } = await inspect(topology)
    t.match(containers, [{ id: 'web-1', up: false }, { id: 'web-2' }, { id: 'web-3' }, { id: 'web-5' }])
  })
})

t.test('a name without a link, and bridges without anything else', needsIsolation(), async t => {
  const { topology, isolator, host } = await preparedTopology(t, { containers: 0 })
  await using netns = NetworkNamespace.open(host.name)
  await giveName(netns, 9, netns)
  await run('umount', ['/run/netns/pm9'])
  writeFileSync('/run/netns/pm8', '')
  t.teardown(() => rmSync('/run/netns/pm8', { force: true }))
  t.strictSame(
    (await inspect(topology)).faults,
    ['/run/netns/pm9 has no link pm9: recover() removes the name'],
    'but not what is empty: it can be the name of anybody in another mount namespace',
  )
  await isolator.destroy()
  await ip(host.name, 'link add pmb0 arp off multicast off type bridge')
  const { prepared, faults } = await inspect(topology)
  t.equal(prepared, false)
  t.match(faults[0], /^pmb0 is left of an earlier run/)
})

t.test('what it takes', async t => {
  await t.rejects(PortMappingIsolator.inspect({ netn: 'x' } as never), {
    code: 'ERR_INVALID_OPTION',
    message: "unknown 'netn', did you mean 'netns'?",
  })
  await t.rejects(PortMappingIsolator.inspect({ netns: 'no-such-name' }), { code: 'ERR_INVALID_OPTION' })
})
