import t from 'tap'
import type { RtnetlinkEvent } from '../../src/rtnetlink-monitor.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { ip } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasFilter, hasLink, hasQdisc } from '../helpers/privilege.js'
import { bash, scratch } from './scratch.js'

const can = allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge'))

t.test('it listens from the call', can, async t => {
  const { name } = await scratch(t)
  await using rt = await RtnetlinkSocket.open({ netns: name })
  await using changes = rt.monitor({ tables: ['links'], signal: AbortSignal.timeout(20_000) })
  await ip(name, 'link set lo mtu 60000')
  t.match((await changes.next()).value, { event: 'new', object: { name: 'lo', mtu: 60000 } })
})

t.test('closing ends who waits', can, async t => {
  const { name } = await scratch(t)
  const rt = await RtnetlinkSocket.open({ netns: name })
  const END = { done: true, value: undefined }
  for (const close of ['close', 'return', 'its socket'] as const) {
    const changes = rt.monitor({ tables: ['links'] })
    const waiting = changes.next()
    await new Promise(resolve => setTimeout(resolve, 50))
    if (close === 'its socket') rt.close()
    else await changes[close]()
    t.strictSame(await waiting, END, close)
    t.strictSame(await changes.next(), END, `${close}: no more`)
  }
  t.throws(() => rt.monitor(), { code: 'ERR_NETLINK_CLOSED' })
})

t.test('a table that is none', can, async t => {
  const { name } = await scratch(t)
  await using rt = await RtnetlinkSocket.open({ netns: name })
  t.throws(() => rt.monitor({ tables: ['lonks' as 'links'] }), {
    message: /^RtnetlinkSocket.monitor: tables\[0\] is 'lonks': expected one of 'links',/,
  })
})

/** More notifications than a monitor that nobody reads can keep. */
const FLOOD = 16_384

t.test('after an overrun it reports what is different, and nothing else', can, async t => {
  const { name, rt: sync, path } = await scratch(t)
  const lines = [
    'ip link add bridge-here type bridge; ip link set bridge-here addrgenmode none; ip link set bridge-here up; ip link set lo up',
    'ip link add a0 master bridge-here type veth peer name b0; ip link set a0 addrgenmode none; ip link set b0 addrgenmode none; ip link set a0 up; ip link set b0 up',
    'ip addr add 10.9.0.2/24 dev b0; ip addr add 10.9.1.2/24 dev b0 valid_lft 900 preferred_lft 800',
    'ip addr add 10.9.2.2/24 dev b0',
    'ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev b0; ip neigh add 10.9.0.4 lladdr 02:00:00:00:00:04 nud stale dev b0',
    'ip neigh add proxy 10.9.0.5 dev b0; bridge fdb add 02:00:00:00:00:09 dev a0 master static',
    'ip -6 route add fd77::/64 dev b0 expires 900',
  ]
  await bash({ name, path }, lines.join('\n'))
  if (hasQdisc('htb').skip === false && hasFilter('u32').skip === false) {
    const tc =
      'tc qdisc add dev b0 root handle 1: htb; tc class add dev b0 parent 1: classid 1:1 htb rate 1mbit'
    await bash(
      { name, path },
      `${tc}; tc filter add dev b0 parent 1:1 prio 5 protocol ip u32 match u32 0 0 classid 1:1`,
    )
    await bash(
      { name, path },
      'tc filter add dev b0 parent 1: prio 6 protocol ip u32 match u32 0 0 classid 1:1',
    )
  }
  await using rt = await RtnetlinkSocket.open({ netns: name })
  await using changes = rt.monitor({ signal: AbortSignal.timeout(60_000) })
  await ip(name, 'link set lo alias begun')
  const events: RtnetlinkEvent[] = []
  const until = async (is: (event: RtnetlinkEvent) => unknown): Promise<void> => {
    for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => changes.next() }) }) {
      events.push(event)
      if (is(event)) return
    }
  }
  const isAlias = (alias: string) => (event: RtnetlinkEvent) =>
    'table' in event && event.table === 'links' && event.object.alias === alias
  await until(isAlias('begun'))

  for (let i = 0; i < FLOOD; i += 512) {
    sync.batch(b => {
      for (let j = 0; j < 512; j++) b.links.change({ dev: 'lo', mtu: 60000 + (j % 2) })
    })
  }
  // What changes while nobody hears it.
  sync.addresses.delete({ dev: 'b0', address: '10.9.2.2/24' })
  sync.addresses.add({ dev: 'b0', address: '10.9.3.2/24' })
  sync.links.change({ dev: 'a0', group: 9 })
  events.length = 0
  await until(({ event }) => event === 'overrun')
  events.length = 0
  // Set once the tables have been read: it is told behind what was missed.
  await until(() => true)
  await ip(name, 'link set lo alias over')
  await until(isAlias('over'))
  const seen = new Set(
    events.map(event =>
      event.event === 'overrun'
        ? event.event
        : [
            event.event,
            event.table,
            'destination' in event.object ? event.object.destination : '',
            'address' in event.object && event.table !== 'links' ? event.object.address : '',
            'name' in event.object ? event.object.name : '',
          ]
            .filter(Boolean)
            .join(' '),
    ),
  )
  // Membership of groups makes entries of its own, and a bridge comes up when its timers say so.
  const ours = [...seen].filter(text => !/^new (neighbours (224|ff02)|links bridge-here)/.test(text)).sort()
  t.strictSame(ours, [
    'delete addresses 10.9.2.2',
    'delete routes 10.9.2.0/24',
    'delete routes 10.9.2.2',
    'delete routes 10.9.2.255',
    'new addresses 10.9.3.2',
    'new links a0',
    'new links lo',
    'new routes 10.9.3.0/24',
    'new routes 10.9.3.2',
    'new routes 10.9.3.255',
  ])
})
