import t, { type Test } from 'tap'
import { Ethtool } from '../../../src/ethtool/ethtool.js'
import { ETHTOOL_MSG_FEATURES_SET, featuresBody } from '../../../src/ethtool/messages.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, tc, tcBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { HOST_IP, REMOTE_IP } from '../../helpers/topology.js'
import { udpExchange } from '../../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY, twoContainers } from '../isolated-topology.js'
import { DAMAGE, partOf, type Damage, type World } from './damage.js'

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
      t.strictSame(await isolator.verify('web-1'), partOf('web-1', found))
      t.strictSame(await isolator.verify('web-2'), partOf('web-2', found))
      const isOne = !host && kind !== 'surplus'
      const { repaired, left } = isOne ? await isolator.repair('web-1') : await isolator.repair()
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
