/**
 * Against the kernel, in two like namespaces: what our verbs make in one, the command lines that they name make in the
 * other. `tc` and our lists have to see the same in both, and what was listed can be added again.
 */
import t, { type Test } from 'tap'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import {
  filter,
  gact,
  mirred,
  qdisc,
  trafficClass,
  u32,
  type ClassSpec,
  type Filter,
  type FilterSpec,
  type QdiscSpec,
} from '../../src/tc/index.js'
import { run, runIn, tc, tcJson } from '../helpers/iproute2.js'
import {
  allOf,
  canCreateNamespaces,
  hasAction,
  hasFilter,
  hasQdisc,
  type Skip,
} from '../helpers/privilege.js'
import { createTopology, HOST_IP, type NamespaceRef, type Topology } from '../helpers/topology.js'

const dev = 'eth0'

type Step =
  | { table: 'qdiscs'; spec: QdiscSpec }
  | { table: 'classes'; spec: ClassSpec }
  | { table: 'filters'; spec: FilterSpec }

const objects = { qdiscs: qdisc, classes: trafficClass, filters: filter }

const qdiscStep = (spec: QdiscSpec): Step => ({ table: 'qdiscs', spec })
const classStep = (spec: ClassSpec): Step => ({ table: 'classes', spec })
const filterStep = (spec: FilterSpec): Step => ({ table: 'filters', spec })

const open = ({ path }: NamespaceRef): RtnetlinkSocketSync => RtnetlinkSocketSync.open({ netns: path })

function add(rt: RtnetlinkSocketSync, { table, spec }: Step): void {
  rt[table].add(spec as never)
}

const commandOf = ({ table, spec }: Step): string => objects[table].command('add', spec as never)

/** As a user would, in a shell. */
const runCommand = ({ name }: NamespaceRef, command: string): Promise<string> =>
  run('bash', ['-c', command.replace(/^tc /, `tc -n ${name} `)])

/** What differs from one namespace and moment to another. */
const VOLATILE = new Set([
  'ifindex',
  'statistics',
  'index',
  'references',
  'bindings',
  'refcnt',
  'ref',
  'bind',
  'stats',
])

const stable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, member: unknown) => (VOLATILE.has(key) ? undefined : member)),
  ) as unknown

const PARENTS = ['ingress', 'egress', '1:'] as const

/** All there is on the device, by our lists. */
function listed(rt: RtnetlinkSocketSync) {
  const qdiscs = rt.qdiscs.list({ dev })
  const present = PARENTS.filter(parent => qdiscs.some(hasParent(parent)))
  return {
    qdiscs,
    classes: rt.classes.list({ dev }),
    filters: present.flatMap(parent => rt.filters.list({ dev, parent })),
  }
}

const hasParent =
  (parent: (typeof PARENTS)[number]) =>
  ({ kind, handle }: { kind: string; handle: string }): boolean =>
    parent === '1:' ? handle === parent : kind === 'clsact' || (kind === 'ingress' && parent === 'ingress')

/** All there is on the device, by `tc`. */
async function shown({ name }: NamespaceRef): Promise<unknown> {
  const show = (line: string) => tcJson(name, `-d ${line}`)
  return stable([
    await show(`qdisc show dev ${dev}`),
    await tc(name, `-d class show dev ${dev}`), // has no JSON form in iproute2 6.1
    await Promise.all(
      ['ingress', 'egress', 'parent 1:'].map(parent =>
        show(`filter show dev ${dev} ${parent}`).catch(() => []),
      ),
    ),
  ])
}

function twoNamespaces(
  about: string,
  skip: Skip,
  body: (t: Test, topology: Topology) => Promise<void>,
): void {
  void t.test(about, allOf(canCreateNamespaces(), skip), async t => {
    const topology = await createTopology({ containers: 0, prefix: 'c' })
    t.teardown(() => topology.close())
    await body(t, topology)
  })
}

/** Makes the steps with our verbs in one namespace and by their command lines in the other, and compares. */
function same(about: string, skip: Skip, steps: readonly Step[]): void {
  twoNamespaces(about, skip, async (t, { host, remote }) => {
    // Down, so that no packet of the kernel's own (IPv6 neighbour discovery) is counted or queued in one of the two.
    for (const { name } of [host, remote]) await run('ip', ['-n', name, 'link', 'set', dev, 'down'])
    using ours = open(host)
    using theirs = open(remote)
    for (const step of steps) add(ours, step)
    for (const step of steps) await runCommand(remote, commandOf(step))

    t.strictSame(await shown(host), await shown(remote), 'tc shows the same of both')
    const made = listed(ours)
    t.strictSame(stable(made), stable(listed(theirs)), 'our lists show the same of both')

    const count = made.qdiscs.length + made.classes.length + made.filters.length
    t.ok(count >= steps.length, `${count} objects for ${steps.length} steps`)
  })
}

const CLSACT = qdiscStep({ dev, kind: 'clsact' })
const HTB = qdiscStep({ dev, parent: 'root', handle: '1:', kind: 'htb', defaultClass: 0x10 })

same(
  'a tree of htb classes with fifo and tbf leaves',
  allOf(hasQdisc('htb'), hasQdisc('tbf'), hasQdisc('pfifo')),
  [
    HTB,
    classStep({
      dev,
      parent: '1:',
      classid: '1:1',
      kind: 'htb',
      rate: 12_500_000,
      burst: 16_000,
      cburst: 16_000,
    }),
    classStep({
      ...{ dev, parent: '1:1', classid: '1:10', kind: 'htb' },
      ...{ rate: 1_250_000, ceil: 2_500_000, burst: 16_000, cburst: 16_000, priority: 3, quantum: 3000 },
    }),
    classStep({
      ...{ dev, parent: '1:1', classid: '1:11', kind: 'htb', quantum: 60_000 },
      ...{ rate: 5_000_000_000, ceil: 12_500_000_000n, burst: 80_000, cburst: 200_000 },
    }),
    classStep({
      ...{ dev, parent: '1:1', classid: '1:12', kind: 'htb', rate: 1_250_000, burst: 16_000, cburst: 16_000 },
      ...{ overhead: 8, mpu: 64, linklayer: 'atm' },
    }),
    qdiscStep({
      dev,
      parent: '1:10',
      handle: '10:',
      kind: 'tbf',
      rate: 125_000,
      burst: 10_000,
      limit: 20_000,
    }),
    qdiscStep({ dev, parent: '1:11', handle: '11:', kind: 'pfifo', limit: 100 }),
    qdiscStep({ dev, parent: '1:12', handle: '12:', kind: 'bfifo', limit: 10_000 }),
    filterStep({
      ...{ dev, parent: '1:', priority: 1, protocol: 'ip', kind: 'u32' },
      ...{ handle: '::5', keys: [u32.protocol('tcp'), u32.sourcePort(443)], classid: '1:11' },
    }),
  ],
)

same('fq_codel', hasQdisc('fq_codel'), [
  HTB,
  classStep({ dev, parent: '1:', classid: '1:10', kind: 'htb', rate: 1_250_000 }),
  qdiscStep({
    ...{ dev, parent: '1:10', handle: '10:', kind: 'fq_codel', limit: 1000, flows: 8192, quantum: 300 },
    ...{
      target: 2000,
      interval: 50_000,
      ecn: false,
      ceThreshold: 1000,
      memoryLimit: 4_194_304,
      dropBatch: 32,
    },
  }),
])

const ip = { dev, parent: 'ingress', priority: 1020, protocol: 'ip', kind: 'u32' } as const

/** The steering of the reference layout for one range of ports. */
const STEERING: readonly Step[] = [
  CLSACT,
  ...[1, 2, 3, 8, 0x11e].map((table, i) =>
    filterStep({ ...ip, handle: `${table.toString(16)}:`, divisor: [64, 1, 1, 256, 64][i]! }),
  ),
  filterStep({ ...ip, handle: '1:1e:800', hashKey: { mask: 0x3f0, at: 0 }, link: '11e:' }),
  filterStep({ ...ip, handle: '2::1', hashKey: { mask: 0xfc00, at: 0 }, link: '1:' }),
  filterStep({ ...ip, handle: '8:6:1', offset: { at: 0, mask: 0xf00, shift: 6, eat: true }, link: '2:' }),
  filterStep({
    ...ip,
    handle: '8:11:1',
    offset: { at: 8, mask: 0xf00, shift: 6, plus: 8, eat: true },
    link: '2:',
  }),
  filterStep({
    ...ip,
    handle: '::1',
    keys: [u32.destinationAddress(HOST_IP), u32.notFragment()],
    hashKey: { mask: 0xff0000, at: 8 },
    link: '8:',
  }),
  filterStep({
    ...ip,
    handle: '11e:11:3',
    keys: u32.destinationPorts(31000, 31007, { at: 0 }),
    actions: [mirred.redirect('lo')],
  }),
  filterStep({ ...ip, handle: '3::1', actions: [mirred.mirror('lo', { then: 'continue' })] }),
  filterStep({
    ...{ ...ip, priority: 64001, protocol: '802.1Q', handle: '::2', link: '3:' },
    keys: [
      u32.etherType('arp'),
      u32.destinationMac('02:00:0a:09:00:02'),
      u32.match32(0x0a090002, 0xffffffff, 24),
    ],
  }),
]

const STEERABLE = allOf(hasQdisc('clsact'), hasFilter('u32'), hasAction('mirred'))

same('u32 tables, links, offsets and mirred', STEERABLE, STEERING)

const DROP = [{ code: 0x06, jt: 0, jf: 0, k: 2 }]
const IP_ONLY = [
  { code: 0x28, jt: 0, jf: 0, k: 12 },
  { code: 0x15, jt: 0, jf: 1, k: 0x0800 },
  { code: 0x06, jt: 0, jf: 0, k: 0xffffffff },
  { code: 0x06, jt: 0, jf: 0, k: 0 },
]

same('classic BPF programs', allOf(hasQdisc('ingress'), hasFilter('bpf'), hasAction('mirred')), [
  qdiscStep({ dev, kind: 'ingress' }),
  filterStep({
    ...{ dev, parent: 'ingress', priority: 65535, protocol: 'all', kind: 'bpf', handle: 1 },
    ...{ program: DROP, directAction: true },
  }),
  filterStep({
    ...{ dev, parent: 'ingress', priority: 1000, protocol: 'all', kind: 'bpf', handle: 2 },
    ...{ program: IP_ONLY, actions: [mirred.redirect('lo', { direction: 'ingress' })] },
  }),
])

same('gact, cookies, chains', allOf(STEERABLE, hasAction('gact')), [
  CLSACT,
  filterStep({ ...ip, handle: '::1', actions: [gact.goto(3)] }),
  filterStep({
    ...ip,
    chain: 3,
    handle: '::1',
    actions: [{ ...gact.drop(), cookie: Uint8Array.of(1, 0xab) }],
  }),
  filterStep({ ...ip, handle: '::2', actions: [mirred.mirror('lo'), gact.pipe(), gact.reclassify()] }),
  filterStep({ ...ip, parent: 'egress', handle: '::3', skipHardware: true, actions: [gact.pass()] }),
])

twoNamespaces('what was listed can be added again', STEERABLE, async (t, { host }) => {
  using rt = open(host)
  for (const step of STEERING) add(rt, step)
  const before = listed(rt)
  rt.qdiscs.delete({ dev, kind: 'clsact' })
  t.same(listed(rt).filters, [], 'the filters go with their qdisc')

  const clsact = before.qdiscs.find(({ kind }) => kind === 'clsact')!
  rt.qdiscs.add(clsact)
  // Tables before links. The kernel makes the root tables, 800: and up, by itself.
  const tables = before.filters.filter(
    object => 'divisor' in object && !object.handle.toString().startsWith('80'),
  )
  const nodes = before.filters.filter(object => !('divisor' in object))
  for (const object of [...tables, ...nodes]) rt.filters.add(object)
  const sorted = (filters: Filter[]): unknown =>
    stable(filters.sort((a, b) => filter.identity(a).localeCompare(filter.identity(b))))
  t.strictSame(sorted(listed(rt).filters), sorted(before.filters))
})

twoNamespaces(
  'filters that are not modelled',
  allOf(hasQdisc('clsact'), hasFilter('matchall classid 1:1')),
  async (t, { host }) => {
    const add = (line: string) => tc(host.name, `filter add dev ${dev} ingress ${line}`)
    await tc(host.name, `qdisc add dev ${dev} clsact`)
    await add('prio 1 protocol all handle 1 matchall action mirred egress redirect dev lo')
    await add('prio 2 protocol ip handle 1 flower ip_proto tcp dst_port 80 classid 1:1')
    using rt = open(host)
    const found = rt.filters.list({ dev, parent: 'ingress' })
    t.match(found, [
      { kind: 'matchall', handle: 1, priority: 1, protocol: 'all' },
      { kind: 'flower', handle: 1, priority: 2, protocol: 'ip' },
    ])
    t.ok(
      found.every(object => 'options' in object && object.options instanceof Uint8Array),
      'their options are bytes',
    )
    for (const object of found) rt.filters.delete(object)
    t.same(rt.filters.list({ dev, parent: 'ingress' }), [])
  },
)

twoNamespaces('qdiscs that are not modelled', hasQdisc('prio'), async (t, { host, remote }) => {
  await tc(
    remote.name,
    `qdisc add dev ${dev} root handle 1: prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 3 3 3 3`,
  )
  using theirs = open(remote)
  using ours = open(host)
  const found = theirs.qdiscs.get({ dev, parent: 'root' })
  t.match(found, { kind: 'prio', options: Uint8Array })
  ours.qdiscs.add(found)
  const show = ({ name }: NamespaceRef) => tcJson(name, `qdisc show dev ${dev} root`)
  t.strictSame(stable(await show(host)), stable(await show(remote)), 'their options go back as they came')
})

twoNamespaces('add, get, change, replace, delete', STEERABLE, async (t, { host }) => {
  using rt = open(host)
  for (const step of STEERING) add(rt, step)
  const key = { ...ip, handle: '11e:11:3' }

  const node = rt.filters.get(key)
  t.match(node, {
    kind: 'u32',
    handle: '11e:11:3',
    keys: [{ at: 0, value: 31000, mask: 0xfff8 }],
    terminal: true,
  })
  t.match(node.kind === 'u32' && node.actions, [
    { kind: 'mirred', operation: 'redirect', dev: 'lo', then: 'stolen' },
  ])

  t.throws(() => rt.filters.add({ ...key, actions: [] }), {
    code: 'EEXIST',
    command: /^tc filter add dev eth0 ingress/,
  })
  rt.filters.change({ ...key, actions: [mirred.redirect(dev)] })
  const changed = rt.filters.get(key)
  t.match(changed.kind === 'u32' && changed.actions, [{ dev }], 'the action is another')
  t.match(changed, { keys: [{ at: 0, value: 31000, mask: 0xfff8 }] }, 'the keys are not')

  rt.filters.delete(key)
  t.throws(() => rt.filters.get(key), { code: 'ENOENT' })
  t.throws(() => rt.filters.delete(key), { code: 'ENOENT', request: 'RTM_DELTFILTER' })
  t.equal(
    rt.filters.list({ dev, parent: 'ingress', priority: 64001 }).length,
    2,
    'the kernel narrows by priority: root table and node',
  )
  t.equal(rt.filters.list({ dev, parent: 'ingress', protocol: '802.1Q' }).length, 2, 'and by protocol')

  t.match(rt.qdiscs.get({ dev, kind: 'clsact' }), { kind: 'clsact', parent: 'ffff:fff1', handle: 'ffff:' })
  t.throws(
    () => rt.qdiscs.delete({ dev, kind: 'ingress' }),
    { code: 'EINVAL', extack: /^Invalid qdisc name/ },
    'another kind is not deleted',
  )
  rt.qdiscs.delete({ dev, kind: 'clsact' })
  t.throws(() => rt.qdiscs.get({ dev, kind: 'clsact' }), { code: /ENOENT|EINVAL/ })
})

twoNamespaces(
  'qdiscs and classes by verb',
  allOf(hasQdisc('htb'), hasQdisc('pfifo')),
  async (t, { host }) => {
    using rt = open(host)
    rt.qdiscs.add({ dev, parent: 'root', handle: '1:', kind: 'htb', defaultClass: 0x10 })
    const classid = '1:10'
    const place = { dev, parent: '1:', classid, kind: 'htb' } as const
    rt.classes.add({ ...place, rate: 1_250_000, burst: 15_000 })
    t.match(rt.classes.get({ dev, classid }), {
      rate: 1_250_000,
      ceil: 1_250_000,
      burst: 15_000,
      parent: 'root',
    })
    rt.classes.change({ ...place, rate: 2_500_000, ceil: 1n << 40n })
    t.match(rt.classes.get({ dev, classid }), { rate: 2_500_000, ceil: 2 ** 40 }, 'rates have 64 bits')
    rt.classes.replace({ ...place, classid: '1:11', rate: 1000 })
    t.same(
      rt.classes
        .list({ dev, qdisc: '1:' })
        .map(object => object.classid)
        .sort(),
      ['1:10', '1:11'],
    )
    rt.qdiscs.replace({ dev, parent: '1:11', handle: '11:', kind: 'pfifo', limit: 5 })
    t.match(rt.classes.get({ dev, classid: '1:11' }), { leaf: '11:' })
    t.same(rt.classes.list({ dev, qdisc: '7:' }), [])

    rt.classes.delete({ dev, classid })
    t.throws(() => rt.classes.get({ dev, classid }), { code: 'ENOENT' })
    t.throws(
      () => rt.qdiscs.delete({ dev, parent: 'root', handle: '2:' }),
      { code: /EINVAL|ENOENT/ },
      'another handle is not deleted',
    )
    rt.qdiscs.delete({ dev, parent: 'root', handle: '1:' })
    t.same(
      rt.qdiscs.list({ dev }).filter(({ kind }) => kind === 'htb'),
      [],
    )
  },
)

interface ShownCounters {
  bytes: number
  packets: number
  maxpacket?: number
}

/** What we read of the root qdisc and what `tc` shows, at a time when no packet of the kernel's own comes in between. */
async function betweenPackets<T>(
  { name }: NamespaceRef,
  read: () => T,
): Promise<{ ours: T; theirs: ShownCounters }> {
  const show = async () => (await tcJson<ShownCounters>(name, `-s qdisc show dev ${dev} root`))[0]!
  for (;;) {
    const before = await show()
    const ours = read()
    const theirs = await show()
    if (before.packets === theirs.packets) return { ours, theirs }
  }
}

twoNamespaces(
  'statistics are those of tc',
  allOf(STEERABLE, hasQdisc('htb')),
  async (t, { host, remote }) => {
    using rt = open(host)
    await run('ip', ['-n', host.name, 'link', 'set', dev, 'down'])
    rt.qdiscs.add({ dev, parent: 'root', handle: '1:', kind: 'htb', defaultClass: 0x10 })
    rt.classes.add({ dev, parent: '1:', classid: '1:10', kind: 'htb', rate: 1_250_000 })
    await run('ip', ['-n', host.name, 'link', 'set', dev, 'up'])
    add(rt, CLSACT)
    rt.filters.add({
      ...ip,
      handle: '::1',
      keys: [u32.protocol('icmp')],
      actions: [mirred.mirror('lo', { then: 'continue' })],
    })
    await runIn(remote.path, 'ping', '-c', '5', '-i', '0.02', '-q', HOST_IP)

    const { ours, theirs } = await betweenPackets(host, () => ({
      found: rt.qdiscs.get({ dev, parent: 'root' }),
      child: rt.classes.get({ dev, classid: '1:10' }),
    }))
    const { found, child } = ours
    t.equal(found.statistics.packets, BigInt(theirs.packets))
    t.equal(found.statistics.bytes, BigInt(theirs.bytes))
    t.ok(found.statistics.packets >= 5n, `${found.statistics.packets} packets`)
    t.equal(child.statistics.packets, found.statistics.packets, 'all went through the default class')
    t.match(child.statistics.app, { lends: Number(child.statistics.packets), borrows: 0 })

    const [mirrored] = rt.filters
      .list({ dev, parent: 'ingress' })
      .flatMap(object => (object.kind === 'u32' ? (object.actions ?? []) : []))
    t.equal(mirrored?.statistics.packets, 5n)
    t.ok((mirrored?.statistics.age.installed ?? -1) >= 0)
  },
)

twoNamespaces('statistics of fq_codel', hasQdisc('fq_codel'), async (t, { host, remote }) => {
  using rt = open(host)
  rt.qdiscs.add({ dev, parent: 'root', handle: '1:', kind: 'fq_codel', flows: 8192 })
  await runIn(remote.path, 'ping', '-c', '3', '-i', '0.02', '-q', HOST_IP)
  const { ours: found, theirs } = await betweenPackets(host, () => rt.qdiscs.get({ dev, parent: 'root' }))
  if (found.kind !== 'fq_codel') throw new Error(`a qdisc of kind ${found.kind}`)
  t.match(found, {
    flows: 8192,
    target: 4999,
    ecn: true,
    statistics: { app: { type: 'qdisc', dropOverlimit: 0 } },
  })
  t.equal(found.statistics.app?.maxpacket, theirs.maxpacket)
  t.throws(() => rt.qdiscs.change({ dev, parent: 'root', handle: '1:', kind: 'fq_codel', flows: 16 }), {
    code: 'EINVAL',
  })
})

twoNamespaces('a redirect whose device is gone', STEERABLE, async (t, { host }) => {
  using rt = open(host)
  add(rt, CLSACT)
  await run('ip', ['-n', host.name, 'link', 'add', 'gone', 'type', 'veth', 'peer', 'name', 'gone2'])
  rt.filters.add({ ...ip, handle: '::1', actions: [mirred.redirect('gone')] })
  await run('ip', ['-n', host.name, 'link', 'del', 'gone'])
  const node = rt.filters.get({ ...ip, handle: '800::1' })
  t.match(node, { actions: [{ kind: 'mirred', dev: '*' }] })
})
