import t, { type Test } from 'tap'
import { Ethtool } from '../../../src/ethtool/ethtool.js'
import { ETHTOOL_MSG_FEATURES_SET, featuresBody } from '../../../src/ethtool/messages.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, run, runIn, tc, tcBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { HOST_IP, REMOTE_IP } from '../../helpers/topology.js'
import { udpExchange } from '../../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY, twoContainers } from '../isolated-topology.js'

type World = Awaited<ReturnType<typeof twoContainers>>

const STEERING = 'ingress prio 1020 protocol ip'
const TRAP = "bpf bytecode '1,6 0 0 0'"

/** One object each, deleted or altered: what to do, and what verify() is to say of it. */
interface Damage {
  what: string
  do: (world: World) => Promise<unknown>
  kind: 'missing' | 'different' | 'surplus'
  object: RegExp
  /** Not of the container but of the host. */
  host?: boolean
  /** Further objects that go with it. */
  more?: boolean
}

const onHost = (what: string, line: string, kind: Damage['kind'], object: RegExp, more = {}): Damage => ({
  what,
  do: ({ host }) => (line.startsWith('link') ? ip(host.name, line) : tcBatch(host.name, [line])),
  kind,
  object,
  ...more,
})

const DAMAGE: Damage[] = [
  onHost('the veth is down', 'link set pm1 down', 'different', /^ip link set dev pm1 up$/),
  onHost(
    'its MAC',
    'link set pm1 address 02:00:00:00:00:99',
    'different',
    /dev pm1 address 02:00:0a:09:00:02/,
  ),
  onHost('its MTU', 'link set pm1 mtu 1300', 'different', /dev pm1 mtu 1500/),
  onHost('its alias', 'link set pm1 alias other', 'different', /dev pm1 alias .*web-1 20480-21503/),
  onHost('its ARP', 'link set pm1 arp on', 'different', /dev pm1 arp off/),
  {
    what: 'a sysctl of the veth',
    do: ({ host }) => runIn(host.path, 'sysctl', '-qw', 'net.ipv4.conf.pm1.accept_local=1'),
    kind: 'different',
    object: /pm1.*accept_local/,
  },
  onHost('its qdisc', 'qdisc del dev pm1 ingress', 'missing', /^tc qdisc add dev pm1 ingress/, {
    more: true,
  }),
  onHost(
    'LOCAL',
    'filter del dev pm1 ingress prio 1000 protocol all handle 1 bpf',
    'missing',
    /dev pm1 .*dev lo/,
  ),
  onHost(
    'WIRE',
    'filter del dev pm1 ingress prio 1000 protocol all handle 2 bpf',
    'missing',
    /dev pm1 .*dev eth0/,
  ),
  onHost(
    'WIRE, another program',
    `filter replace dev pm1 ingress prio 1000 protocol all handle 2 ${TRAP} action mirred egress redirect dev eth0`,
    'different',
    /dev pm1 .*dev eth0/,
  ),
  onHost(
    'the drop',
    'filter del dev pm1 ingress prio 65535 protocol all handle 1 bpf',
    'missing',
    /pm1 .*65535/,
  ),
  onHost(
    'the drop, another program',
    `filter replace dev pm1 ingress prio 65535 protocol all handle 1 ${TRAP.replace('bpf', 'bpf da')}`,
    'different',
    /pm1 .*65535/,
  ),
  ...['lo', 'eth0'].flatMap(dev => [
    onHost(
      `a port node on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 11e:11:3 u32`,
      'missing',
      /11e:11:3/,
    ),
    onHost(
      `a quoted port node on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 21e:11:3 u32`,
      'missing',
      /21e:11:3/,
    ),
    onHost(
      `a surplus node on ${dev}`,
      `filter add dev ${dev} ${STEERING} handle 11e:13:2 u32 ht 11e:13: match u32 0x00007938 0x0000fff8 at 0 action mirred egress redirect dev pm1`,
      'surplus',
      /11e:13:2/,
    ),
    onHost(
      `a link of the skeleton on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 1:1e:800 u32`,
      'missing',
      /1:1e:800/,
      {
        host: true,
      },
    ),
    onHost(`a root on ${dev}`, `filter del dev ${dev} ${STEERING} handle 800::1 u32`, 'missing', /::1 /, {
      host: true,
    }),
    onHost(
      `the qdisc of ${dev}`,
      `qdisc del dev ${dev} ingress`,
      'missing',
      new RegExp(`qdisc add dev ${dev} ingress`),
      {
        host: true,
        more: true,
      },
    ),
  ]),
  {
    what: 'a node that leads elsewhere',
    do: ({ host }) =>
      tcBatch(host.name, [
        `filter del dev eth0 ${STEERING} handle 11e:11:3 u32`,
        `filter add dev eth0 ${STEERING} handle 11e:11:3 u32 ht 11e:11: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev pm2`,
      ]),
    kind: 'different',
    object: /11e:11:3/,
  },
  {
    what: 'a table, with the links to it',
    do: async ({ host }) => {
      await tcBatch(host.name, [`filter del dev eth0 ${STEERING} handle 1:3f:800 u32`])
      for (let tries = 0; ; tries++) {
        try {
          await tc(host.name, `filter del dev eth0 ${STEERING} handle 13f: u32`)
          return
        } catch (error) {
          if (tries > 200) throw error
        }
      }
    },
    kind: 'missing',
    object: /13f: u32 divisor 64/,
    host: true,
    more: true,
  },
  onHost(
    'the mirror node',
    'filter del dev pmcopies ingress prio 1020 protocol all handle 3:0:1 u32',
    'missing',
    /3::1/,
  ),
  onHost(
    'a surplus mirror node',
    'filter add dev pmcopies ingress prio 1020 protocol all handle 3:0:7 u32 ht 3:0: match u32 0 0 at 0 action mirred egress mirror dev pm1 continue',
    'surplus',
    /3::7/,
  ),
  onHost(
    'a way to everyone',
    `filter del dev eth0 ${STEERING} handle 4:0:1 u32`,
    'missing',
    /4::1 .*pmanswers/,
    { host: true },
  ),
  onHost('the drop behind the copies', 'filter del dev pmcopies ingress prio 65535', 'missing', /pmcopies/, {
    host: true,
  }),
  onHost(
    'the limit of echo replies',
    'class change dev pmanswers parent 1: classid 1:2 htb rate 1gbit',
    'different',
    /dev pmanswers .*classid 1:2/,
    { host: true },
  ),
  onHost(
    'the queue of echo replies',
    'qdisc change dev pmanswers parent 1:2 handle 12: pfifo limit 1',
    'different',
    /dev pmanswers parent 1:2 /,
    { host: true },
  ),
  onHost(
    'who is ARP',
    'filter del dev pmanswers parent 1: prio 1020 protocol all handle 1 bpf',
    'missing',
    /classid 1:1/,
    {
      host: true,
    },
  ),
  onHost('the limits', 'qdisc del dev pmanswers root', 'missing', /dev pmanswers root/, {
    host: true,
    more: true,
  }),
  onHost('the martian drop', 'filter del dev eth0 ingress prio 1000', 'missing', /prio 1000/, { host: true }),
  onHost('the MAC of lo', 'link set lo address 02:00:00:00:00:77', 'different', /dev lo address/, {
    host: true,
  }),
  onHost('the MTU of lo', 'link set lo mtu 65536', 'different', /dev lo mtu/, { host: true }),
  onHost('lo is down', 'link set lo down', 'different', /dev lo up/, { host: true }),
  {
    what: 'a sysctl of lo',
    do: ({ host }) => runIn(host.path, 'sysctl', '-qw', 'net.ipv4.conf.lo.route_localnet=0'),
    kind: 'different',
    object: /lo.*route_localnet/,
    host: true,
  },
  {
    what: 'the record on lo',
    do: ({ host }) => run('ip', ['-n', host.name, 'link', 'set', 'lo', 'alias', '']),
    kind: 'different',
    object: /dev lo alias .*rtnetlink:/,
    host: true,
  },
  {
    what: 'the name of the namespace',
    do: () => run('ip', ['netns', 'delete', 'pm1']),
    kind: 'missing',
    object: /ip netns attach pm1/,
  },
  {
    what: 'the qdisc inside',
    do: ({ c1 }) => tc(c1.name, 'qdisc del dev eth0 ingress'),
    kind: 'missing',
    object: /qdisc add dev eth0 ingress/,
    more: true,
  },
  {
    what: 'the MTU inside',
    do: ({ c1 }) => ip(c1.name, 'link set eth0 mtu 1400'),
    kind: 'different',
    object: /dev eth0 mtu 1500/,
  },
  {
    what: 'a sysctl inside',
    do: ({ c1 }) => runIn(c1.path, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=30000 30100'),
    kind: 'different',
    object: /ip_local_port_range='20480 21503'/,
  },
]

/** What has to work, and what must not, when all is as planned. */
async function flows(t: Test, { remote, c1, c2, host }: World): Promise<void> {
  await using server = await tcpEcho(c1, '0.0.0.0', c1.port)
  await using outside = await tcpEcho(remote, '0.0.0.0', 7000)
  t.strictSame(
    await Promise.all([
      tcpConnect(remote, HOST_IP, server.port, PATIENTLY),
      tcpConnect(host, '127.0.0.1', server.port, PATIENTLY),
      tcpConnect(c2, HOST_IP, server.port, PATIENTLY),
      tcpConnect(c1, REMOTE_IP, outside.port, PATIENTLY),
      udpExchange(c1, REMOTE_IP, 9, { localPort: 50_000, timeout: 150 }),
    ]),
    ['connected', 'connected', 'connected', 'connected', 'timeout'],
  )
}

t.test('verify() names what repair() mends', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator } = world
  t.strictSame(await isolator.verify(), [], 'sound at first')
  t.strictSame(await isolator.repair(), { repaired: [], left: [] })
  for (const { what, do: damage, kind, object, host = false, more = false } of DAMAGE) {
    await t.test(what, async t => {
      await damage(world)
      const found = await isolator.verify()
      const id = host ? undefined : 'web-1'
      const named = found.filter(
        difference => difference.kind === kind && object.test(difference.object) && !difference.foreign,
      )
      t.ok(named.length > 0, `named: ${JSON.stringify(found.slice(0, 3))}`)
      if (kind === 'different') t.type(named[0]?.found, 'string')
      if (!more) t.equal(found.length, 1, 'and nothing else')
      if (kind !== 'surplus') t.equal(named[0]?.id, id)
      if (!host)
        t.strictSame(
          await isolator.verify('web-1'),
          found.filter(({ id }) => id !== 'web-2'),
        )
      const { repaired, left } = host ? await isolator.repair() : await isolator.repair('web-1')
      t.strictSame(left, [])
      t.equal(repaired.length, found.length)
      t.strictSame(await isolator.verify(), [])
      await flows(t, world)
    })
  }
})

t.test('all of it at once', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host } = world
  await tcBatch(host.name, [
    'qdisc del dev pm1 ingress',
    'qdisc del dev eth0 ingress',
    'filter del dev pm2 ingress prio 65535',
  ])
  await ip(host.name, 'link set pm1 down')
  t.ok((await isolator.verify()).length > 300)
  t.strictSame((await isolator.repair()).left, [])
  t.strictSame(await isolator.verify(), [])
  await flows(t, world)
})

t.test("what is somebody else's is told and left alone", needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host } = world
  const drop = "bpf da bytecode '1,6 0 0 0'"
  await tcBatch(host.name, [
    `filter add dev pm1 ingress prio 5 protocol all handle 1 ${drop}`,
    `filter add dev eth0 ingress prio 1000 protocol all handle 7 ${drop}`,
    `filter add dev eth0 ingress prio 7 protocol all handle 1 ${drop}`,
  ])
  await ip(host.name, 'link set lo alias mine')
  const found = await isolator.verify()
  t.strictSame(
    found.map(({ id, kind, foreign }) => ({ id, kind, foreign })),
    [
      { id: undefined, kind: 'different', foreign: true },
      { id: undefined, kind: 'ahead', foreign: true },
      { id: 'web-1', kind: 'surplus', foreign: true },
      { id: undefined, kind: 'surplus', foreign: true },
    ],
  )
  t.match(
    found.map(({ object, found }) => found ?? object),
    [/alias mine/, /dev eth0 ingress prio 7/, /dev pm1 ingress prio 5/, /prio 1000 .*handle 7/],
  )
  t.strictSame(await isolator.repair(), { repaired: [], left: found })
  await ip(host.name, 'link set eth0 down')
  t.match(await isolator.verify(), [{ object: 'ip link set dev eth0 up', foreign: true }])
})

t.test('another MAC and MTU of the public interface', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host, remote } = world
  await ip(host.name, 'link set eth0 address 02:00:0a:09:00:42 mtu 1400')
  await ip(remote.name, 'neigh flush dev eth0')
  const found = await isolator.verify()
  t.ok(found.some(({ id, object }) => id === 'web-2' && /dev pm2 .*mtu 1400/.test(object)))
  t.strictSame((await isolator.repair()).left, [])
  t.strictSame(await isolator.verify(), [])
  await flows(t, world)
})

t.test('limits', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const { isolator, host, c1 } = await twoContainers(t, {
    ...{ egressRateLimitPerContainer: '1MB', ingressRateLimitPerContainer: '2MB', bloatReduction: 'none' },
    ...{ ingressCeilLimit: '3MB', ingressBurst: '100KB' },
  })
  t.strictSame(await isolator.verify(), [])
  const rate = (dev: string) => `class change dev ${dev} parent 1: classid 1:1 htb rate 8mbit`
  for (const damage of [
    () => tc(host.name, rate('pm1')),
    () => tc(c1.name, rate('eth0')),
    () => tc(host.name, 'qdisc del dev pm1 root'),
    () => tc(c1.name, 'qdisc del dev eth0 root'),
  ]) {
    await damage()
    t.match(await isolator.verify('web-1'), [{ id: 'web-1', foreign: false }])
    t.strictSame((await isolator.repair('web-1')).left, [])
  }
})

/** What `ethtool -K <dev> <feature> on` does. */
async function turnOn(path: string, dev: string, feature: string): Promise<void> {
  await using netns = NetworkNamespace.open(path)
  await using rt = await RtnetlinkSocket.open({ netns })
  const header = { ifindex: rt.devices.interfaceIndex(dev) }
  const bit = { name: feature, unknown: [{ type: ETHTOOL_A_BITSET_BIT_VALUE, bytes: new Uint8Array() }] }
  await Ethtool.in(netns, ethtool =>
    ethtool.ask(
      { name: 'ETHTOOL_MSG_FEATURES_SET', body: featuresBody },
      { cmd: ETHTOOL_MSG_FEATURES_SET, version: 1, attributes: { header, wanted: { bits: [bit] } } },
    ),
  )
}
const ETHTOOL_A_BITSET_BIT_VALUE = 3

t.test('the shaper of a limit that the host enforces', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const world = await twoContainers(t, {
    ...{ egressRateLimitPerContainer: '10MB', egressEnforcement: 'host', bloatReduction: 'none' },
  })
  const { isolator, host } = world
  t.strictSame(await isolator.verify(), [])
  await flows(t, world)
  const damage: [what: string, () => Promise<unknown>, object: RegExp, how: Damage['kind'], more?: true][] = [
    [
      'its offload of checksums is on',
      () => turnOn(host.path, 'pms1', 'tx-checksum-ip-generic'),
      /^ethtool -K pms1 tx-checksum-ip-generic off$/,
      'different',
    ],
    ['its pair is gone', () => ip(host.name, 'link del pms1'), /^ip link add .*pms1 .*pmt1/, 'missing'],
    ['its near end is down', () => ip(host.name, 'link set pms1 down'), /dev pms1 up/, 'different'],
    ['its MTU', () => ip(host.name, 'link set pmt1 mtu 1300'), /dev pmt1 mtu 1500/, 'different'],
    [
      'its MAC',
      () => ip(host.name, 'link set pmt1 address 02:00:00:00:00:99'),
      /dev pmt1 address 02:00:0a:09:00:02/,
      'different',
    ],
    [
      'its rate',
      () => tc(host.name, 'class change dev pms1 parent 1: classid 1:1 htb rate 8mbit'),
      /class add dev pms1/,
      'different',
    ],
    ['its limit', () => tc(host.name, 'qdisc del dev pms1 root'), /qdisc add dev pms1/, 'missing', true],
    [
      'WIRE at its far end',
      () => tc(host.name, 'filter del dev pmt1 ingress prio 1000 protocol all handle 2 bpf'),
      /dev pmt1 .*dev eth0/,
      'missing',
    ],
    [
      'the drop at its far end',
      () => tc(host.name, 'filter del dev pmt1 ingress prio 65535 protocol all handle 1 bpf'),
      /dev pmt1 .*65535/,
      'missing',
    ],
  ]
  for (const [what, harm, object, kind, more = false] of damage) {
    await t.test(what, async t => {
      await harm()
      const found = await isolator.verify()
      t.match(found[0], { id: 'web-1', kind, object, foreign: false })
      if (!more) t.equal(found.length, 1, 'and nothing else')
      t.strictSame(await isolator.verify('web-1'), found)
      const { repaired, left } = await isolator.repair('web-1')
      t.strictSame(left, [])
      for (const fault of found) t.ok(repaired.some(difference => difference.object === fault.object))
      t.strictSame(await isolator.verify(), [])
      await flows(t, world)
    })
  }
})

t.test('flows', allOf(needsIsolation(), hasQdisc('fq_codel')), async t => {
  const { isolator, host } = await twoContainers(t, { egressUniqueFlowPerContainer: true })
  t.strictSame(await isolator.verify(), [])
  const damage = [
    'filter del dev eth0 parent 504d: prio 65535 protocol all handle 1 bpf',
    'filter del dev eth0 parent 504d: prio 1020 protocol ip handle 21e:11:3 u32',
    'qdisc del dev eth0 root',
  ]
  for (const line of damage) {
    await tc(host.name, line)
    t.ok((await isolator.verify()).length > 0, line)
    t.strictSame((await isolator.repair()).left, [])
  }
})
