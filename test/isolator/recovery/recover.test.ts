import { access } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { ContainerInfo } from '../../../src/isolator/container/info.js'
import { giveName } from '../../../src/isolator/container/namespace-handles.js'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { netnsId } from '../../../src/rtnetlink/index.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, ipJson, run, tc, tcBatch } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { tcpSocketIn } from '../../helpers/namespace-sockets.js'
import {
  createTopology,
  HOST_IP,
  HOST_MAC,
  type NamespaceRef,
  type Topology,
} from '../../helpers/topology.js'
import { firstPort, needsIsolation, OPTIONS, PATIENTLY } from '../isolated-topology.js'
import { changesNothing, filtersOf, settleLoopback } from '../kernel-state.js'

interface World {
  topology: Topology
  host: NamespaceRef
  /** Makes an isolator, as a program does when it is started again. */
  create: (options?: Partial<PortMappingIsolatorOptions>) => Promise<PortMappingIsolator>
  /** Isolates the i-th namespace as `web-<i + 1>`. */
  isolate: (isolator: PortMappingIsolator, i: number) => Promise<string>
}

async function world(t: Test, containers = 2): Promise<World> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host } = topology
  await settleLoopback(host, HOST_MAC)
  const create: World['create'] = options =>
    PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
  t.teardown(async () => (await create()).destroy())
  return {
    topology,
    host,
    create,
    async isolate(isolator, i) {
      const port = firstPort(i)
      const netns = topology.containers[i]!.name
      return (await isolator.isolate(`web-${i + 1}`, { netns, ports: [[port, port + 7]] })).link
    },
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

t.test('containers go on when the program is started again', needsIsolation(), async t => {
  const { topology, host, create, isolate } = await world(t)
  const { remote, containers } = topology
  await changesNothing(t, [host], async () => {
    const first = await create()
    for (const i of [0, 1]) await isolate(first, i)
    const [before, explained] = [first.list(), first.explain('web-2').slice(1)]
    const filters = await filtersOf(host)
    await using server = await tcpEcho(containers[1]!, '0.0.0.0', firstPort(1))
    const running = tcpSocketIn(remote)
    running.connect(server.port, HOST_IP)
    const echo = async (text: string): Promise<string> => {
      running.write(text)
      return new Promise(resolve => running.once('data', data => resolve(data.toString())))
    }
    t.equal(await echo('one'), 'one')
    await first.close()

    const second = await create()
    const known = ['web-2', 'web-1', 'web-2', 'web-3', 'web-3']
    t.strictSame(await second.recover(known, { orphans: ['web-4', 'web-1', 'web-4', 'web-3'] }), {
      recovered: ['web-2', 'web-1'],
      orphans: [],
      unknown: [],
      cleaned: [],
      missing: ['web-3', 'web-4'],
    })
    t.strictSame(
      second.list().sort((a, b) => a.slot - b.slot),
      before,
    )
    t.strictSame(second.explain('web-2').slice(1), explained)
    t.strictSame(await filtersOf(host), filters, 'the filters are as before')
    t.equal(await echo('two'), 'two', 'a connection goes on')
    running.destroy()
    t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
    t.match(await second.usage('web-2'), { net_rx_packets: Number })
    await t.rejects(isolate(second, 0), { code: 'ERR_CONTAINER_EXISTS' })
    await t.rejects(second.isolate('other', { netns: containers[0]!.name }), { code: 'ERR_CONTAINER_EXISTS' })
    await t.rejects(second.recover([]), { code: 'ERR_CONTAINER_EXISTS' })
    t.ok(await second.cleanup('web-1'))
    await isolate(second, 0)
    await second.destroy()
  })
})

t.test('the unknown are removed where that is asked for, known orphans wait', needsIsolation(), async t => {
  const { topology, host, create, isolate } = await world(t, 3)
  await changesNothing(t, [host], async () => {
    const first = await create()
    for (const i of [0, 1, 2]) await isolate(first, i)
    await first.close()
    const second = await create()
    t.strictSame(await second.recover(['web-1'], { orphans: ['web-2'], unknown: 'remove' }), {
      recovered: ['web-1'],
      orphans: ['web-2'],
      unknown: [],
      cleaned: ['web-3'],
      missing: [],
    })
    t.notOk(await exists('/run/netns/pm3'))
    t.equal(
      await tcpConnect(topology.remote, HOST_IP, firstPort(2), PATIENTLY),
      'refused',
      "the host's again",
    )
    await using server = await tcpEcho(topology.containers[1]!, '0.0.0.0', firstPort(1))
    t.equal(await tcpConnect(topology.remote, HOST_IP, server.port, PATIENTLY), 'connected')
    t.ok(await second.cleanup('web-2'))
    t.notOk(await second.cleanup('web-3'))
    await isolate(second, 2)
    await second.destroy()
  })
})

t.test(
  "a container that the call does not name keeps running, and stays the isolator's",
  needsIsolation(),
  async t => {
    const { topology, host, create, isolate } = await world(t, 3)
    await changesNothing(t, [host], async () => {
      const first = await create()
      for (const i of [0, 1]) await isolate(first, i)
      const before = first.list()
      await first.close()
      const filters = await filtersOf(host)
      await using server = await tcpEcho(topology.containers[1]!, '0.0.0.0', firstPort(1))

      const second = await create()
      t.strictSame(await second.recover(['web-1', 'wbe-2'], { orphans: ['old-1'] }), {
        recovered: ['web-1'],
        orphans: [],
        unknown: ['web-2'],
        cleaned: [],
        missing: ['wbe-2', 'old-1'],
      })
      t.strictSame(second.list(), before)
      t.strictSame(await filtersOf(host), filters)
      t.equal(await tcpConnect(topology.remote, HOST_IP, server.port, PATIENTLY), 'connected')
      const netns = topology.containers[2]!.name
      const taken = { netns, ports: `${firstPort(1)}` }
      await t.rejects(second.isolate('web-3', taken), { code: 'ERR_PORTS_OVERLAP', details: { id: 'web-2' } })
      await t.rejects(second.isolate('web-2', { netns }), { code: 'ERR_CONTAINER_EXISTS' })
      const { slot, ephemeralPorts } = await second.isolate('web-3', { netns })
      t.equal(slot, 3)
      t.notOk(before.some(known => known.ephemeralPorts[0] === ephemeralPorts[0]))
      t.match(await second.usage('web-2'), { net_rx_packets: Number })
      t.strictSame(await second.verify('web-2'), [])
      t.ok(await second.cleanup('web-2'))
      t.ok(await second.cleanup('web-3'))
      await second.close()

      const third = await create()
      t.strictSame(await third.recover([]), {
        ...{ recovered: [], orphans: [], unknown: ['web-1'], cleaned: [], missing: [] },
      })
      await third.destroy()
    })
  },
)

t.test("recover('all') finds every complete container", needsIsolation(), async t => {
  const { host, create, isolate } = await world(t, 2)
  const first = await create()
  for (const i of [0, 1]) await isolate(first, i)
  await first.close()
  await ip(host.name, `link add pm7 address ${HOST_MAC} arp off multicast off type veth peer name pm7x`)
  for (const unknown of ['keep', 'remove'] as const) {
    const second = await create()
    t.strictSame(await second.recover('all', { orphans: ['web-1', 'web-9'], unknown }), {
      recovered: ['web-1', 'web-2'],
      orphans: [],
      unknown: [],
      cleaned: [],
      missing: ['web-9'],
    })
    t.strictSame(
      second.list().map(({ id }) => id),
      ['web-1', 'web-2'],
    )
    t.notOk(
      (await ipJson(host.name, 'link show')).some(({ ifname }) => ifname === 'pm7'),
      'half made',
    )
    await second.close()
  }
})

t.test('containers of other options keep what they have', needsIsolation(), async t => {
  const { topology, create, isolate } = await world(t, 3)
  const first = await create({ ephemeralPorts: '22016-22143', ephemeralPortsPerContainer: 64 })
  await isolate(first, 0)
  await isolate(first, 1)
  const before = first.list()
  await first.close()
  const options = { ports: '31900-31999', ephemeralPorts: '21504-23551', ephemeralPortsPerContainer: 1024 }
  const second = await create(options)
  await second.recover(['web-1', 'web-2'])
  t.strictSame(second.list(), before)
  const netns = topology.containers[2]!.name
  await t.rejects(second.isolate('web-3', { netns, ports: '31000' }), { code: 'ERR_PORTS_UNMANAGED' })
  const { slot, ephemeralPorts } = await second.isolate('web-3', { netns, ports: '31900' })
  t.equal(slot, 3)
  t.strictSame(ephemeralPorts, [22_528, 23_551], 'the first range is taken in part')
  t.ok(await second.cleanup('web-1'))
  await second.destroy()
})

t.test('limits are known again', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const { topology, host, create } = await world(t)
  const limits = [
    { egressRateLimitPerContainer: '37500KB', ingressRateLimitPerContainer: 1_234_567 },
    {
      ...{ egressRateLimitPerContainer: 125_000, egressCeilLimit: '1MB', egressBurst: 99_999 },
      ...{ ingressRateLimitPerContainer: '1MB', ingressCeilLimit: '3MB', ingressBurst: '64KB' },
    },
  ]
  for (const options of limits) {
    const first = await create({ ...options, bloatReduction: 'none' })
    await first.isolate('web-1', { netns: topology.containers[0]!.name, ports: '31000' })
    const before = first.list()
    const classes = await tc(host.name, 'class show dev pm1')
    await first.close()
    const second = await create({ bloatReduction: 'none' })
    await second.recover(['web-1'])
    t.match(before, [{ egress: { rate: Number }, ingress: { rate: Number } }])
    const [{ ingress, ...rest } = {} as ContainerInfo] = second.list()
    const [{ ingress: limit, ...wanted } = {} as ContainerInfo] = before
    t.strictSame(rest, wanted)
    t.equal(ingress?.rate, limit?.rate)
    t.equal(ingress?.ceil, limit?.ceil)
    t.ok(Math.abs((ingress?.burst ?? 0) - (limit?.burst ?? 0)) <= 2, 'a burst comes back rounded')
    t.equal(await tc(host.name, 'class show dev pm1'), classes)
    await second.destroy()
  }
})

t.test('flows go with their container', allOf(needsIsolation(), hasQdisc('fq_codel')), async t => {
  const { host, create, isolate } = await world(t, 3)
  const flows = (): Promise<string> => tc(host.name, 'filter show dev eth0 parent 504d:')
  const first = await create({ egressUniqueFlowPerContainer: true })
  await isolate(first, 0)
  const ofOne = await flows()
  for (const i of [1, 2]) await isolate(first, i)
  const ofAll = await flows()
  await first.close()
  const second = await create()
  await second.recover(['web-1', 'web-2', 'web-3'])
  t.equal(await flows(), ofAll)
  await second.close()
  await ip(host.name, 'link del pm3')
  const third = await create()
  t.strictSame((await third.recover(['web-1'], { unknown: 'remove' })).cleaned, ['web-2'])
  t.equal(await flows(), ofOne)
  await third.destroy()
})

t.test('what a crash can leave is taken away', needsIsolation(), async t => {
  const { topology, host, create, isolate } = await world(t, 2)
  const isolator = await create()
  await isolate(isolator, 0)
  const nodeTo = (dev: string, link: string): string =>
    `filter add dev ${dev} ingress prio 1020 protocol ip handle 11e:3:1 u32 ht 11e:3: match u32 0x00007830 0x0000fff0 at 0 action mirred egress redirect dev ${link}`
  const pair = (name: string) =>
    ip(host.name, `link add ${name} address ${HOST_MAC} arp off multicast off type veth peer name ${name}x`)
  const crashes: Record<string, () => Promise<unknown>> = {
    'a pair that is down': () => pair('pm7'),
    'the same with an alias, guard and nodes': async () => {
      await pair('pm7')
      await ip(host.name, 'link set pm7 alias web-7')
      await tcBatch(host.name, ['qdisc add dev pm7 ingress', nodeTo('lo', 'pm7'), nodeTo('eth0', 'pm7')])
    },
    'a link that is up and has lost its nodes on eth0': async () => {
      await pair('pm7')
      await run('ip', ['-n', host.name, 'link', 'set', 'pm7', 'alias', 'web-7 30000-30007', 'up'])
      await tc(host.name, nodeTo('lo', 'pm7'))
    },
    'nodes whose link is gone': async () => {
      await pair('pm7')
      await tcBatch(host.name, [
        nodeTo('lo', 'pm7'),
        nodeTo('eth0', 'pm7'),
        'filter add dev pmcopies ingress prio 1020 protocol all handle 3:0:7 u32 ht 3:0: match u32 0 0 action mirred egress mirror dev pm7 continue',
      ])
      await ip(host.name, 'link del pm7')
    },
    'a name that holds no namespace': async () => {
      await using netns = NetworkNamespace.open(topology.containers[1]!.name)
      await using its = NetworkNamespace.open(host.name)
      await giveName(its, 7, netns)
      await run('umount', ['/run/netns/pm7'])
    },
    'a name that holds a namespace': async () => {
      await using netns = NetworkNamespace.open(topology.containers[1]!.name)
      await using rt = await RtnetlinkSocket.open({ netns: host.name })
      await rt.send([netnsId.assign(netns.fd)])
      await netns.attach('pm7')
    },
  }
  await isolator.close()
  for (const [what, crash] of Object.entries(crashes)) {
    await changesNothing(t, [host], async () => {
      await crash()
      const again = await create()
      t.strictSame(
        await again.recover(['web-1', 'web-7']),
        { recovered: ['web-1'], orphans: [], unknown: [], cleaned: [], missing: ['web-7'] },
        what,
      )
      await again.close()
    })
    t.notOk(await exists('/run/netns/pm7'), what)
  }
})

t.test('what a cut update can leave is completed', needsIsolation(), async t => {
  const { topology, host, create, isolate } = await world(t, 1)
  const isolator = await create()
  await isolate(isolator, 0)
  await isolator.close()
  const sound = await filtersOf(host)
  const steering = 'ingress prio 1020 protocol ip'
  const node = (dev: string, handle: string, value: number, size: number): string =>
    `filter add dev ${dev} ${steering} handle ${handle} u32 ht ${handle.replace(/:\w+$/, ':')} match u32 0x${value.toString(16)} 0x${(0x10000 - size).toString(16)} at 0 action mirred egress redirect dev pm1`
  const cuts: Record<string, string[]> = {
    'a node on eth0 is gone': [`filter del dev eth0 ${steering} handle 11e:11:3 u32`],
    'a node on lo is gone': [`filter del dev lo ${steering} handle 11e:11:3 u32`],
    'the mirror node is gone': ['filter del dev pmcopies ingress prio 1020 protocol all handle 3:0:1 u32'],
    'a block that another holds': [node('lo', '11e:11:7', 0x791c, 4), node('eth0', '11e:11:7', 0x791c, 4)],
    'a program is another': [
      "filter replace dev pm1 ingress prio 1000 protocol all handle 2 bpf bytecode '1,6 0 0 0' action mirred egress redirect dev eth0",
    ],
    'the drop is gone': ['filter del dev pm1 ingress prio 65535 protocol all handle 1 bpf'],
  }
  const guard = async (): Promise<string> =>
    (await tc(host.name, 'filter show dev pm1 ingress')).replaceAll(/index \d+/g, '')
  const soundGuard = await guard()
  for (const [what, lines] of Object.entries(cuts)) {
    await tcBatch(host.name, lines)
    const again = await create()
    t.strictSame((await again.recover(['web-1'])).recovered, ['web-1'])
    t.strictSame(again.list()[0]?.ports, [[firstPort(0), firstPort(0) + 7]])
    await again.close()
    t.strictSame(await filtersOf(host), sound, what)
    t.strictSame(await guard(), soundGuard, what)
  }
  await using server = await tcpEcho(topology.containers[0]!, '0.0.0.0', firstPort(0))
  t.equal(await tcpConnect(topology.remote, HOST_IP, server.port, PATIENTLY), 'connected')

  await t.test('old and new ports are kept', async t => {
    await tcBatch(host.name, [node('lo', '11e:12:12', 0x7922, 1)])
    const again = await create()
    await again.recover(['web-1'])
    t.strictSame(again.list()[0]?.ports, [
      [firstPort(0), firstPort(0) + 7],
      [0x7922, 0x7922],
    ])
    await again.close()
    await using server = await tcpEcho(topology.containers[0]!, '0.0.0.0', 0x7922)
    t.equal(await tcpConnect(topology.remote, HOST_IP, server.port, PATIENTLY), 'connected')
  })
})

t.test('what is not ours is left alone', needsIsolation(), async t => {
  const { host, create, isolate } = await world(t, 1)
  const other = await world(t, 2)
  const isolator = await create()
  await isolate(isolator, 0)
  const otherIsolator = await other.create()
  t.equal(await other.isolate(otherIsolator, 0), 'pm2', 'the names in /run/netns are shared')
  await ip(host.name, 'link add pm9 type veth peer name pm10')
  await ip(host.name, 'link set pm10 alias mine')
  await ip(host.name, 'link add pm12 type veth peer name x12')
  for (const name of ['pm12', 'x12']) await ip(host.name, `link set ${name} up`)
  const foreign = [
    'filter add dev eth0 ingress prio 7 protocol ip u32 match ip dst 10.9.0.99/32 action mirred egress redirect dev pm10',
    'filter add dev lo ingress prio 7 protocol ip u32 match ip dst 10.9.0.99/32 action mirred egress redirect dev pm9',
  ]
  await tcBatch(host.name, foreign)
  const names = (await ipJson(host.name, 'link show')).map(({ ifname }) => ifname)
  const filters = await filtersOf(host)
  await isolator.close()
  await changesNothing(t, [other.host], async () => {
    const again = await create()
    t.strictSame((await again.recover(['web-1'])).recovered, ['web-1'])
    t.ok(await exists('/run/netns/pm2'))
    t.strictSame(
      (await ipJson(host.name, 'link show')).map(({ ifname }) => ifname),
      names,
    )
    t.strictSame(await filtersOf(host), filters)
    await again.destroy()
  })
  t.ok(await exists('/run/netns/pm2'), "another host's, after destroy() too")
  t.ok(await otherIsolator.cleanup('web-1'))
  t.notOk(await exists('/run/netns/pm2'))
  await otherIsolator.close()
})

t.test('a name that another isolator has taken over is not taken from it', needsIsolation(), async t => {
  const { create, isolate } = await world(t, 1)
  const other = await world(t, 1)
  const isolator = await create()
  await isolate(isolator, 0)
  await run('ip', ['netns', 'delete', 'pm1'])
  const otherIsolator = await other.create()
  t.equal(await other.isolate(otherIsolator, 0), 'pm1')
  await isolator.close()
  const again = await create()
  await again.recover(['web-1'])
  t.ok(await again.cleanup('web-1'))
  await using server = await tcpEcho(other.topology.containers[0]!, '0.0.0.0', firstPort(0))
  t.ok(await exists('/run/netns/pm1'))
  t.equal(await tcpConnect(other.topology.remote, HOST_IP, server.port, PATIENTLY), 'connected')
  await again.destroy()
  await otherIsolator.destroy()
})

t.test('destroy() without recover() leaves nothing either', needsIsolation(), async t => {
  const { host, create, isolate } = await world(t, 2)
  await changesNothing(t, [host], async () => {
    const isolator = await create()
    for (const i of [0, 1]) await isolate(isolator, i)
    await isolator.close()
    await (await create()).destroy()
  })
  for (const name of ['pm1', 'pm2']) t.notOk(await exists(`/run/netns/${name}`))
})

t.test('others wait for recover()', needsIsolation(), async t => {
  const { topology, create, isolate } = await world(t, 2)
  const isolator = await create()
  await isolate(isolator, 0)
  await isolator.close()
  const again = await create()
  const netns = topology.containers[1]!.name
  const [recovery, second, cleaned] = await Promise.all([
    again.recover(['web-1']),
    again.isolate('web-2', { netns }),
    again.cleanup('web-1'),
  ])
  t.strictSame(recovery.recovered, ['web-1'])
  t.equal(second.slot, 2)
  t.equal(cleaned, true)
  await t.rejects(again.recover(['a b']), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(again.recover('web-1' as never), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(again.recover([], { unknown: 'drop' as never }), { code: 'ERR_INVALID_OPTION' })
  await again.destroy()
})
