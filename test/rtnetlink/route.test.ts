import t from 'tap'
import type { InferInput } from '../../src/netlink/codec/index.js'
import { route, type Route, type RouteKey, type RouteSpec } from '../../src/rtnetlink/index.js'
import { routeBody } from '../../src/rtnetlink/route-messages.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, u16, u32 } from '../helpers/netlink-bytes.js'
import { devices } from './devices.js'

const sent = (body: unknown): Uint8Array => encoded(routeBody, body as InferInput<typeof routeBody>)
const added = (spec: RouteSpec): Uint8Array => sent(route.toNew(spec, devices, 'add'))
const readBack = (spec: RouteSpec): Route => route.fromBody(decoded(routeBody, added(spec)), devices)

t.test('a default route through a gateway that the prefix does not have', async t => {
  const spec: RouteSpec = { destination: 'default', gateway: '10.9.0.1', dev: 'eth0', onlink: true }
  t.same(
    added(spec),
    bytes('02 00 00 00 fe 03 00 01', u32(4), attribute(5, '0a090001'), attribute(4, u32(2))),
  )
  t.strictSame(readBack(spec), {
    ...spec,
    family: 'inet',
    ifindex: 2,
    table: 'main',
    type: 'unicast',
    protocol: 'boot',
    scope: 'global',
    flags: ['onlink'],
  })
  t.equal(route.command('add', spec), 'ip route add default via 10.9.0.1 dev eth0 onlink')
})

t.test('a route with everything', async t => {
  const spec: RouteSpec = {
    destination: '10.20.0.0/16',
    dev: 'eth0',
    gateway: '10.9.0.1',
    table: 1000,
    metric: 7,
    tos: 8,
    type: 'unicast',
    protocol: 'static',
    scope: 'site',
    preferredSource: '10.9.0.2',
    metrics: { mtu: 1400, rtt: 20, rttvar: 2.5, rtoMin: 200, congctl: 'bbr', lock: ['mtu', 'rtoMin'] },
  }
  t.strictSame(readBack(spec), { ...spec, family: 'inet', ifindex: 2, flags: [] })
  t.match(decoded(routeBody, added(spec)), {
    table: 0,
    attributes: { table: 1000, metrics: { lock: (1 << 2) | (1 << 13), rtt: 160, rttvar: 10 } },
  })
  t.equal(
    route.command('add', spec),
    'ip route add unicast 10.20.0.0/16 tos 8 table 1000 proto static scope site metric 7 src 10.9.0.2 via 10.9.0.1' +
      ' dev eth0 mtu lock 1400 rtt 20ms rttvar 2.5ms rto_min 200ms congctl bbr',
  )
})

t.test('several ways', async t => {
  const spec: RouteSpec = {
    destination: '10.20.0.0/16',
    nexthops: [
      { gateway: '10.9.0.1', dev: 'eth0', weight: 3 },
      { gateway: 'fd00::1', dev: 'pm1', weight: 1, onlink: true },
    ],
  }
  const first = bytes(u16(16), '00 02', u32(2), attribute(5, '0a090001'))
  const second = bytes(u16(8 + 24), '04 00', u32(3), attribute(18, u16(10), `fd${'0'.repeat(29)}1`))
  t.same(
    added(spec),
    bytes('02 10 00 00 fe 03 00 01', u32(0), attribute(1, '0a140000'), attribute(9, first, second)),
  )
  t.match(readBack(spec).nexthops, [
    { gateway: '10.9.0.1', dev: 'eth0', weight: 3, flags: [] },
    { gateway: 'fd00::1', dev: 'pm1', weight: 1, onlink: true, flags: ['onlink'] },
  ])
  t.equal(
    route.command('replace', spec),
    'ip route replace 10.20.0.0/16 nexthop via 10.9.0.1 dev eth0 weight 3' +
      ' nexthop via inet6 fd00::1 dev pm1 onlink weight 1',
  )
})

t.test('the family of a default route', async t => {
  t.equal(readBack({ destination: 'default', dev: 'eth0' }).family, 'inet')
  t.equal(readBack({ destination: 'default', dev: 'eth0', family: 'inet6' }).family, 'inet6')
  t.equal(readBack({ destination: 'default', gateway: 'fe80::1', dev: 'eth0' }).family, 'inet6')
  t.equal(
    readBack({ destination: 'default', nexthops: [{ gateway: 'fe80::1', dev: 'eth0' }] }).family,
    'inet6',
  )
  const mixed: RouteSpec = { destination: 'default', family: 'inet', gateway: 'fe80::1', dev: 'eth0' }
  t.match(readBack(mixed), { family: 'inet', gateway: 'fe80::1' })
  t.equal(route.command('add', mixed), 'ip route add default via inet6 fe80::1 dev eth0')
  t.equal(
    route.command('add', { destination: 'default', gateway: 'fe80::1', dev: 'eth0' }),
    'ip -6 route add default via fe80::1 dev eth0',
  )
})

t.test('table and scope by type, as with ip', async t => {
  const { table, scope } = readBack({ destination: '10.9.0.9', type: 'local', dev: 'eth0' })
  t.strictSame([table, scope], ['local', 'host'])
  t.equal(readBack({ destination: '10.9.0.9', type: 'broadcast', dev: 'eth0' }).scope, 'link')
  t.equal(readBack({ destination: '10.20.0.0/16', dev: 'eth0' }).scope, 'link')
  t.equal(readBack({ destination: '10.20.0.0/16', gateway: '10.9.0.1' }).scope, 'global')
  t.equal(readBack({ destination: '10.20.0.0/16', type: 'blackhole' }).scope, 'global')
  t.equal(readBack({ destination: 'fd00::/16', dev: 'eth0' }).scope, 'global')
})

t.test('a route is deleted by its key, which says where it leads', async t => {
  const key: RouteKey = { destination: '10.20.0.0/16', dev: 'eth0', metric: 7 }
  t.same(
    sent(route.toDelete(key, devices)),
    bytes(
      '02 10 00 00 fe 00 ff 00',
      u32(0),
      attribute(1, '0a140000'),
      attribute(6, u32(7)),
      attribute(4, u32(2)),
    ),
  )
  t.equal(route.command('delete', key), 'ip route del 10.20.0.0/16 metric 7 dev eth0')
  t.throws(() => route.toDelete({ destination: '10.20.0.0/16' }, devices), {
    name: 'TypeError',
    message: /^routes\.delete: dev: /,
  })
  t.doesNotThrow(() => route.toDelete({ destination: '10.20.0.0/16', type: 'blackhole' }, devices))
})

t.test('the command of a deletion that was read back, as it is explained in errors', async t => {
  const key = { destination: '10.20.0.0/16', gateway: '10.9.0.1', dev: 'eth0' }
  t.equal(
    route.command('delete', route.fromBody(decoded(routeBody, sent(route.toDelete(key, devices))), devices)),
    'ip route del 10.20.0.0/16 table main via 10.9.0.1 dev eth0',
  )
})

t.test('a look-up', async t => {
  t.same(
    sent(route.toGet({ destination: '8.8.8.8' }, devices)),
    bytes('02 20 00 00 00 00 00 00', u32(0x1000), attribute(1, '08080808')),
  )
  t.equal(
    route.command('get', { destination: '8.8.8.8', source: '10.9.0.2', dev: 'eth0', fibMatch: true }),
    'ip route get fibmatch 8.8.8.8 from 10.9.0.2 oif eth0',
  )
  t.throws(() => route.toGet({ destination: '8.8.8.0/24' }, devices), {
    name: 'TypeError',
    message: /is a prefix/,
  })
})

const wrong: [RouteSpec, RegExp][] = [
  [{ destination: 'everything' }, /^routes\.add: destination: 'everything'/],
  [
    { destination: '10.0.0.0/8', family: 'inet6' },
    /^routes\.add: destination: '10\.0\.0\.0\/8' is not of the family inet6/,
  ],
  [
    { destination: 'default', gateway: '10.9.0.0/24' },
    /^routes\.add: gateway is '10\.9\.0\.0\/24': expected an IP address/,
  ],
  [{ destination: '10.0.0.0/8', table: 'mine' as 'main' }, /table is 'mine': expected one of 'unspec', /],
  [{ destination: '10.0.0.0/8', type: 'hole' as 'blackhole' }, /type is 'hole': expected one of /],
  [{ destination: '10.0.0.0/8', tos: 300 }, /tos is 300: expected a whole number from 0 to 255/],
  [{ destination: '10.0.0.0/8', nexthops: [{ dev: 'eth0', weight: 300 }] }, /nexthops\[0\]\.weight is 300/],
  [{ destination: '10.0.0.0/8', dev: 'gone' }, /'gone'/],
]

for (const [spec, message] of wrong) {
  t.test(`refused before anything is sent: ${JSON.stringify(spec)}`, async t => {
    t.throws(() => added(spec), { message })
  })
}

t.test('nexthops that cannot be are an error that says where', async t => {
  const header = bytes('02 00 00 00 fe 03 00 01', u32(0))
  for (const length of [0, 7, 9]) {
    const body = bytes(header, attribute(9, u16(length), '00 00', u32(2)))
    t.throws(() => decoded(routeBody, body), { name: 'DecodeError', message: /^RTA_MULTIPATH: / })
  }
  const inside = bytes(header, attribute(9, u16(12), '00 00', u32(2), u16(99), u16(5)))
  t.throws(() => decoded(routeBody, inside), { message: /^RTA_MULTIPATH\.RTA_GATEWAY: / })
})

t.test('an unknown attribute of a route is kept', async t => {
  t.match(decoded(routeBody, bytes('02 00 00 00 fe 03 00 01', u32(0), attribute(99, 'ff'))).attributes, {
    unknown: [{ type: 99 }],
  })
})
