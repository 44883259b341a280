import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { ip, ipJson, tc, tcBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, type Topology } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from '../isolated-topology.js'
import { changesNothing, settleLoopback } from '../kernel-state.js'

const ROUNDS = Number(process.env.RTNETLINK_ROUNDS ?? 1)

const create = (topology: Topology): Promise<PortMappingIsolator> =>
  PortMappingIsolator.create({ ...OPTIONS, netns: topology.host.name })

async function hostOf(t: Test, containers: number): Promise<Topology> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  return topology
}

const steering = (dev: string): string => `filter del dev ${dev} ingress prio 1020`

/** A table goes only without the links to it, and a moment after the last one. */
async function deleteTable({ host }: Topology, dev: string, link: string, table: string): Promise<void> {
  const node = (handle: string): string => `${steering(dev)} protocol ip handle ${handle} u32`
  await tc(host.name, node(link))
  for (let tries = 0; ; tries++) {
    try {
      await tc(host.name, node(table))
      return
    } catch (error) {
      if (tries > 200) throw error
    }
  }
}

const LOSSES: [what: string, lose: (topology: Topology) => Promise<unknown>][] = [
  ['the qdisc of eth0', ({ host }) => tc(host.name, 'qdisc del dev eth0 ingress')],
  ['the qdisc of lo', ({ host }) => tc(host.name, 'qdisc del dev lo ingress')],
  ['steering on eth0, whose tables stay hidden', ({ host }) => tc(host.name, steering('eth0'))],
  ['steering on lo', ({ host }) => tc(host.name, steering('lo'))],
  [
    'steering on lo, hidden',
    async ({ host }) => {
      await tcBatch(host.name, [
        'filter add dev lo ingress prio 9 protocol ip handle 7ff: u32 divisor 1',
        steering('lo'),
      ])
    },
  ],
  [
    'all priorities of eth0',
    ({ host }) =>
      tcBatch(
        host.name,
        [1000, 1010, 1020, 64_000, 64_001].map(prio => `filter del dev eth0 ingress prio ${prio}`),
      ),
  ],
  ['ARP', ({ host }) => tc(host.name, 'filter del dev eth0 ingress prio 1010')],
  ['the table of the ports', topology => deleteTable(topology, 'eth0', '1:1e:800', '11e:')],
  [
    'both qdiscs',
    ({ host }) => tcBatch(host.name, ['qdisc del dev eth0 ingress', 'qdisc del dev lo ingress']),
  ],
]

t.test('what somebody deletes while no agent runs', needsIsolation(), async t => {
  const topology = await hostOf(t, 4)
  const { host, remote, containers } = topology
  await changesNothing(t, [host], async () => {
    let isolator = await create(topology)
    const ports = [
      '31000-31007',
      '31016',
      Array.from({ length: 60 }, (_, i) => `${31_100 + 2 * i}`).join(),
      '',
    ]
    for (const [i, { name }] of containers.entries())
      await isolator.isolate(`web-${i}`, { netns: name, ...(ports[i] !== '' && { ports: ports[i] }) })
    const ids = isolator.list().map(({ id }) => id)
    const before = isolator.list()
    await using server = await tcpEcho(containers[0]!, '0.0.0.0', 31_000)
    for (let round = 0; round < ROUNDS; round++) {
      for (const [what, lose] of LOSSES) {
        await isolator.close()
        await lose(topology)
        isolator = await create(topology)
        t.match(
          await isolator.recover(ids),
          { recovered: ids, cleaned: [], missing: [] },
          `${what}: all are found`,
        )
        t.strictSame(isolator.list(), before, 'with all of their ports')
        t.strictSame(await isolator.verify(), [])
        t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
        await tc(host.name, 'filter del dev lo ingress prio 9').catch(() => undefined)
      }
    }
    await isolator.destroy()
  })
})

t.test('a container of before there were notes', needsIsolation(), async t => {
  const topology = await hostOf(t, 2)
  const { host, containers } = topology
  const names = async (): Promise<string[]> =>
    (await ipJson<{ altnames?: string[] }>(host.name, 'link show type veth')).flatMap(
      ({ altnames }) => altnames ?? [],
    )
  let isolator = await create(topology)
  await isolator.isolate('web-0', { netns: containers[0]!.name, ports: '31000-31007,31500' })
  await isolator.isolate('web-1', { netns: containers[1]!.name })
  const noted = ['pm1=31000-31007,31500', 'pm2=']
  t.strictSame(await names(), noted)
  const before = isolator.list()
  await isolator.close()
  await ip(host.name, `link property del dev pm1 altname ${noted[0]}`)
  await ip(host.name, `link property del dev pm2 altname ${noted[1]}`)
  isolator = await create(topology)
  t.match(await isolator.recover(['web-0', 'web-1']), { recovered: ['web-0', 'web-1'] }, 'its nodes tell')
  t.strictSame(isolator.list(), before)
  t.strictSame(await names(), noted, 'from now on it is noted')

  await ip(host.name, `link property del dev pm1 altname ${noted[0]}`)
  await ip(host.name, 'link property add dev pm1 altname pm1=31900 altname other')
  t.match(await isolator.verify(), [{ kind: 'different', id: 'web-0', foreign: false }])
  t.strictSame((await isolator.repair()).left, [])
  t.strictSame((await names()).sort(), ['other', ...noted])
  await isolator.update('web-0', { ports: '31000-31003' })
  t.strictSame((await names()).sort(), ['other', 'pm1=31000-31003', 'pm2='])
  await isolator.destroy()
})

/** Tables of somebody's that have a number of ours: what makes them, and what the error names. */
const FOREIGN: [what: string, lines: string[], message: RegExp][] = [
  [
    'in another priority',
    ['filter add dev eth0 ingress prio 5 protocol ip handle 1: u32 divisor 256'],
    /u32 table 1: in priority 5/,
  ],
  [
    'of the second level, on lo',
    ['filter add dev lo ingress prio 5 protocol ip handle 21f: u32 divisor 64'],
    /lo has a u32 table 21f: in priority 5/,
  ],
  [
    'not listed any more',
    [
      'filter add dev eth0 ingress prio 5 protocol ip handle 8: u32 divisor 256',
      'filter add dev eth0 ingress prio 6 protocol ip handle 7ff: u32 divisor 1',
      'filter del dev eth0 ingress prio 5',
    ],
    /does not list.*handle 8: u32/,
  ],
]

for (const [what, lines, message] of FOREIGN) {
  t.test(`a table of somebody's ${what} stops create()`, needsIsolation(), async t => {
    const topology = await hostOf(t, 0)
    for (const dev of ['eth0', 'lo']) await tc(topology.host.name, `qdisc add dev ${dev} ingress`)
    await tcBatch(topology.host.name, lines)
    await changesNothing(t, [topology.host], () =>
      t.rejects(create(topology), { name: 'IsolatorError', code: 'ERR_FOREIGN_STATE', message }),
    )
  })
}

t.test('a shared block', needsIsolation(), async t => {
  for (const dev of ['eth0', 'lo']) {
    const topology = await hostOf(t, 1)
    const { host } = topology
    await tc(host.name, `qdisc add dev ${dev} ingress_block 7 ingress`)
    const message = new RegExp(`qdisc of ${dev} .*shared block 7`)
    await changesNothing(t, [host], () =>
      t.rejects(create(topology), { name: 'IsolatorError', code: 'ERR_FOREIGN_STATE', message }),
    )
    await tc(host.name, `qdisc del dev ${dev} ingress`)
    const isolator = await create(topology)
    await tcBatch(host.name, [`qdisc del dev ${dev} ingress`, `qdisc add dev ${dev} ingress_block 7 ingress`])
    const found = await isolator.verify()
    t.ok(
      found.some(({ foreign, found }) => foreign && found?.includes('ingress_block 7')),
      'verify() names it',
    )
    await isolator.repair()
    await tc(host.name, `qdisc del dev ${dev} ingress`)
    await isolator.destroy()
  }
})
