import t from 'tap'
import { ip, ipBatch, runIn } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { followed, isClean, slaac, until } from '../followed6.js'
import { HOST_IP6, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../inet6-topology.js'
import { needsIsolation, PATIENTLY } from '../isolated-topology.js'

const SECOND_ROUTER = 'fe80::2'
/** Beyond the routers: the remote has it on its lo. */
const FAR = '2001:db8:f::1'

/** The default routers of a container, the one that is taken first in front. */
async function routersIn({ path }: NamespaceRef): Promise<string[]> {
  const shown = await runIn(path, 'ip', '-6', 'route', 'show', 'default')
  return [...shown.matchAll(/via (\S+)/g)].map(([, router = '']) => router)
}

const hasRouters = (container: NamespaceRef, routers: readonly string[]): Promise<boolean> =>
  until(async () => String(await routersIn(container)) === String(routers))

t.test('routers come and go by their advertisements', needsIsolation(), async t => {
  const prefix = '2001:db8:9::'
  const world = await followed(t, { hostLines: [], advertised: { prefixes: [{ prefix }] } })
  const { remote, c1 } = world
  await ipBatch(remote.name, [`addr add ${SECOND_ROUTER}/64 dev eth0 nodad`, `addr add ${FAR}/128 dev lo`])
  await using echo = await tcpEcho(remote, '::', 7000)
  const reachesFar = async (): Promise<void> => {
    t.equal(await tcpConnect(c1, FAR, echo.port, PATIENTLY), 'connected', 'beyond the router')
  }
  t.strictSame(await routersIn(c1), [REMOTE_LINK_LOCAL])
  await reachesFar()

  await world.advertises({ router: SECOND_ROUTER })
  t.ok(await until(async () => (await routersIn(c1)).length === 2), 'a second one')
  await isClean(t, world, 'a second one')
  await world.advertises({ lifetime: 0 })
  t.ok(await hasRouters(c1, [SECOND_ROUTER]), 'the first one goes')
  await isClean(t, world, 'the first one goes')
  await reachesFar()

  await world.advertises({ router: SECOND_ROUTER, hopLimit: 33 })
  await world.advertises({ hopLimit: 33, mtu: 1400 })
  t.ok(
    await until(async () => {
      const shown = await runIn(c1.path, 'ip', '-6', 'route', 'get', FAR)
      return /mtu 1400/.test(shown) && /hoplimit 33/.test(shown)
    }),
    'they tell another MTU and hop limit',
  )
  await isClean(t, world, 'MTU and hop limit')

  for (const router of [SECOND_ROUTER, REMOTE_LINK_LOCAL]) await world.advertises({ router, lifetime: 0 })
  await isClean(t, world, 'none any more')
  t.not((await routersIn(c1)).length, 0, 'containers keep what they had')
  await world.advertises()
  t.ok(await hasRouters(c1, [REMOTE_LINK_LOCAL]), 'another one')
  await isClean(t, world, 'another one')
  await reachesFar()
  t.equal(await tcpConnect(remote, slaac(prefix), 31_000, PATIENTLY), 'refused', 'control: no server')
})

t.test('a static default route that changes', needsIsolation(), async t => {
  const world = await followed(t, { follows: false })
  const { isolator, host, remote, c1 } = world
  await ipBatch(remote.name, [`addr add ${SECOND_ROUTER}/64 dev eth0 nodad`, `addr add ${FAR}/128 dev lo`])
  await using echo = await tcpEcho(remote, '::', 7000)
  await ip(host.name, `-6 route replace default via ${SECOND_ROUTER} dev eth0`)
  const objects = (await isolator.verify('web-1')).map(({ object }) => object)
  t.ok(
    objects.some(line => line.includes('default') && line.includes(SECOND_ROUTER)),
    'verify() has the new route',
  )
  t.strictSame((await isolator.repair()).left, [])
  t.strictSame(await routersIn(c1), [SECOND_ROUTER])
  t.strictSame(await isolator.verify(), [])
  t.equal(await tcpConnect(c1, FAR, echo.port, PATIENTLY), 'connected')

  isolator.on('repaired', () => undefined)
  await ip(host.name, `-6 route replace default via ${REMOTE_IP6} dev eth0`)
  t.ok(await hasRouters(c1, [REMOTE_IP6]), 'followed')
  await isClean(t, world, 'followed')
  t.equal(await tcpConnect(c1, FAR, echo.port, PATIENTLY), 'connected')
})

t.test('the router has another MAC, and says so', needsIsolation(), async t => {
  const world = await followed(t)
  const { remote, c1 } = world
  await ip(remote.name, `addr add ${FAR}/128 dev lo`)
  await using echo = await tcpEcho(remote, '::', 7000)
  t.equal(await tcpConnect(c1, FAR, echo.port, PATIENTLY), 'connected', 'control')
  await runIn(remote.path, 'sysctl', '-qw', 'net.ipv6.conf.eth0.ndisc_notify=1')
  await ip(remote.name, 'link set dev eth0 address 02:00:0a:09:00:99')
  t.equal(await tcpConnect(c1, FAR, echo.port, PATIENTLY), 'connected')
  await isClean(t, world, 'afterwards')
  t.equal(await tcpConnect(remote, HOST_IP6, 31_000, PATIENTLY), 'refused', 'and from there')
})
