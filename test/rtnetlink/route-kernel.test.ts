import t, { type Test } from 'tap'
import { route, type Route, type RouteSpec } from '../../src/rtnetlink/index.js'
import { ipJson } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { json, routeAsIp, type Json } from './as-ip-shows.js'
import { bash, makePair, scratch, type Scratch } from './scratch.js'
import { without } from './without.js'

/** The routes of all tables as `ip` shows them, in no order. */
const texts = (routes: Json[]): string[] => routes.map(found => JSON.stringify(json(found))).sort()
const shown = async ({ name }: Scratch): Promise<string[]> =>
  texts(await ipJson(name, '-d route show table all'))

const can = allOf(canCreateNamespaces(), hasLink('veth'))

const routes: RouteSpec[] = [
  { destination: 'default', gateway: '10.9.9.1', dev: 'a0', onlink: true },
  { destination: '10.20.0.0/16', dev: 'a0' },
  {
    destination: '10.20.0.0/16',
    gateway: '10.9.0.9',
    metric: 7,
    tos: 8,
    protocol: 'static',
    preferredSource: '10.9.0.2',
  },
  {
    destination: '10.21.0.1',
    gateway: '10.9.0.9',
    table: 1000,
    metrics: {
      mtu: 1300,
      lock: ['mtu', 'initcwnd', 'congctl'],
      advmss: 1000,
      rtt: 20,
      initcwnd: 5,
      congctl: 'reno',
    },
  },
  {
    destination: '10.22.0.0/16',
    nexthops: [
      { gateway: '10.9.0.9', dev: 'a0', weight: 3 },
      { gateway: '10.9.0.8', dev: 'a0', onlink: true },
    ],
  },
  { destination: '10.23.0.0/16', type: 'blackhole' },
  { destination: '10.24.0.1', type: 'local', dev: 'a0' },
  { destination: '10.25.0.0/16', gateway: 'fd00::9', dev: 'a0' },
  { destination: 'fd20::/32', gateway: 'fd00::9', dev: 'a0', preference: 'high', metric: 10 },
  { destination: 'default', family: 'inet6', dev: 'a0' },
  { destination: 'fd21::/32', type: 'unreachable', table: 200 },
]

/** A namespace in which all of these routes can be. */
async function ready(t: Test): Promise<Scratch> {
  const made = await scratch(t)
  made.rt.links.change({ dev: 'lo', up: true })
  makePair(made)
  made.rt.addresses.add({ dev: 'a0', address: '10.9.0.2/24' })
  made.rt.addresses.add({ dev: 'a0', address: 'fd00::1/64', nodad: true })
  return made
}

async function routed(t: Test): Promise<Scratch> {
  const made = await ready(t)
  for (const spec of routes) made.rt.routes.add(spec)
  return made
}

t.test('routes: as ip shows them, and as their command lines make them', can, async t => {
  const [one, two] = [await routed(t), await ready(t)]
  await bash(two, routes.map(spec => route.command('add', spec)).join('\n'))
  t.strictSame(await shown(two), await shown(one))
  t.strictSame(texts(one.rt.routes.list({}).map(routeAsIp)), await shown(one))

  const replaced: RouteSpec = { destination: '10.20.0.0/16', gateway: '10.9.0.77' }
  one.rt.routes.replace(replaced)
  await bash(two, route.command('replace', replaced))
  t.strictSame(await shown(two), await shown(one), 'replaced')

  const boot = one.rt.routes.list({ protocol: 'boot' })
  await bash(two, boot.map(found => route.command('delete', found)).join('\n'))
  t.strictSame(two.rt.routes.list({ protocol: 'boot' }), [], 'command lines delete')
})

t.test('what was listed is a key, and can be added again', can, async t => {
  const one = await routed(t)
  const before = await shown(one)
  const listed = one.rt.routes.list({ protocol: 'boot' })
  for (const found of listed) one.rt.routes.delete(found)
  t.strictSame(one.rt.routes.list({ protocol: 'boot' }), [])
  for (const found of listed) one.rt.routes.add(found)
  t.strictSame(await shown(one), before)
  const [{ metrics } = {}] = one.rt.routes.list({ table: 1000 })
  t.strictSame(metrics?.lock, ['mtu', 'initcwnd', 'congctl'])
})

t.test(
  'a route by a nexthop object, and one that expires, are deleted and added as they were listed',
  can,
  async t => {
    const one = await ready(t)
    await bash(one, 'ip nexthop add id 7 via 10.9.0.9 dev a0; ip route add 10.30.0.0/16 nhid 7')
    one.rt.routes.add({ destination: 'fd30::/32', gateway: 'fd00::9', dev: 'a0', expires: 500 })
    const listed = (): Route[] =>
      one.rt.routes.list({ protocol: 'boot' }).filter(({ destination }) => /^(10\.30|fd30)/.test(destination))
    // The kernel counts in 1/100 s: soon there is a fraction.
    let before = listed()
    while (before.every(({ expires = 0 }) => Number.isInteger(expires))) before = listed()
    t.strictSame(before.map(({ nexthopId }) => nexthopId).sort(), [7, undefined])
    for (const found of before) one.rt.routes.delete(found)
    t.strictSame(listed(), [])
    for (const found of before) one.rt.routes.add(found)
    const lasting = (found: Route): object => without(found, 'expires')
    t.strictSame(listed().map(lasting), before.map(lasting))
    const remaining = listed().find(({ destination }) => destination === 'fd30::/32')?.expires ?? 0
    t.ok(remaining > 400 && remaining <= 500, 'rounded up')
  },
)

t.test('an address is the same however it is written', can, async t => {
  const { rt } = await routed(t)
  t.equal(rt.routes.list({ gateway: 'FD00:0::9' }).length, 2)
  t.equal(rt.routes.list({ destination: 'FD20:0::/32' }).length, 1)
  t.match(rt.routes.get({ destination: 'FD20:0::1' }), { gateway: 'fd00::9' })
  rt.routes.delete({ destination: 'FD20:0::/32', gateway: 'FD00:0::9', dev: 'a0' })
  t.equal(rt.routes.list({ gateway: 'fd00::9' }).length, 1)

  rt.addresses.add({ dev: 'a0', address: 'FE80::1/64', nodad: true })
  t.equal(rt.addresses.list({ dev: 'a0', address: 'FE80:0::1' }).length, 1)
  t.match(rt.addresses.get({ dev: 'a0', address: 'FE80::1' }), { address: 'fe80::1' })
  rt.addresses.delete({ dev: 'a0', address: 'FE80:0::1/64' })
  t.equal(rt.addresses.list({ dev: 'a0', address: 'fe80::1' }).length, 0)

  rt.neighbours.add({ dev: 'a0', address: 'FE80::2', lladdr: '02:00:00:00:00:02' })
  t.match(rt.neighbours.get({ dev: 'a0', address: 'FE80:0::2' }), { address: 'fe80::2' })
  rt.neighbours.delete({ dev: 'a0', address: 'FE80::2' })
  t.notOk(rt.neighbours.list({ dev: 'a0' }).some(({ address }) => address === 'fe80::2'))
})

t.test('lists of routes are narrowed', can, async t => {
  const { rt } = await routed(t)
  t.equal(rt.routes.list({ table: 1000 }).length, 1)
  t.strictSame(rt.routes.list({ table: 4711 }), [], 'a table that is not there')
  t.strictSame(rt.routes.list({ table: 4711, family: 'inet6' }), [])
  t.equal(rt.routes.list({ type: 'blackhole' }).length, 1)
  t.equal(rt.routes.list({ protocol: 'static' }).length, 1)
  t.equal(rt.routes.list({ destination: '10.20.0.0/16' }).length, 2)
  t.equal(rt.routes.list({ destination: 'default', family: 'inet6' }).length, 1)
  t.strictSame(
    rt.routes.list({ gateway: '10.9.9.1' }).map(({ destination }) => destination),
    ['default'],
  )
  const throughLo = rt.routes.list({ dev: 'lo' })
  t.ok(throughLo.length > 0)
  t.ok(throughLo.every(({ dev }) => dev === 'lo'))
})

t.test('the route of a packet', can, async t => {
  const { rt } = await routed(t)
  t.match(rt.routes.get({ destination: '8.8.8.8' }), {
    destination: '8.8.8.8',
    gateway: '10.9.9.1',
    preferredSource: '10.9.0.2',
  })
  t.match(rt.routes.get({ destination: '8.8.8.8', fibMatch: true }), { destination: 'default', onlink: true })
  t.match(rt.routes.get({ destination: 'fd20::1' }), { gateway: 'fd00::9' })
  t.throws(() => rt.routes.get({ destination: '10.23.0.1' }), { code: 'EINVAL' }, 'into the black hole')
  t.throws(() => rt.routes.add({ destination: '10.20.0.0/16', dev: 'a0' }), { code: 'EEXIST' })
})
