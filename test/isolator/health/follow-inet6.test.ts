import t from 'tap'
import { ip, ipBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { connection, followed, inUseOn, isClean, slaac, until } from '../followed6.js'
import { addressesIn, OTHER_IP6, prefixesIn, reaches } from '../inet6-host.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../inet6-topology.js'
import { needsIsolation, PATIENTLY } from '../isolated-topology.js'

const OLD = '2001:db8:9::'
const NEW = '2001:db8:a::'
const REMOTE_NEW = '2001:db8:a::1'

const has = (container: NamespaceRef, prefixes: readonly string[]): Promise<boolean> =>
  until(async () => String(await prefixesIn(container)) === String(prefixes))

t.test('a router gives the link another prefix', needsIsolation(), async t => {
  const world = await followed(t, {
    hostLines: [],
    advertised: { prefixes: [{ prefix: OLD }] },
    follows: false,
  })
  const { isolator, remote, host, c1 } = world
  await ip(remote.name, `addr add ${REMOTE_NEW}/64 dev eth0 nodad`)
  t.strictSame(isolator.host.ipv6, {
    addresses: [{ address: slaac(OLD), prefixLength: 128 }],
    linkLocal: HOST_LINK_LOCAL,
    gateways: [REMOTE_LINK_LOCAL],
  })
  await using echo = await tcpEcho(remote, '::', 7000)
  const before = await connection(c1, REMOTE_IP6, echo.port)
  t.teardown(before.close)
  t.ok(await before.talks(), 'control: a connection')

  await world.advertises({ prefixes: [{ prefix: OLD, preferred: 0 }, { prefix: NEW }] })
  t.ok(await until(async () => (await inUseOn(host)).includes(slaac(NEW))))
  const differences = await isolator.verify()
  t.ok(
    differences.some(({ object }) => object.includes(`ip addr add ${slaac(NEW)}`)),
    'verify() has the new address',
  )
  t.ok(
    differences.some(({ object }) => object.includes(`ip addr replace ${slaac(OLD)}`)),
    'and that the old one is deprecated',
  )
  t.strictSame((await isolator.repair()).left, [])
  t.strictSame(await prefixesIn(c1), [`${slaac(NEW)}/128`, `${slaac(OLD)}/128 deprecated`])
  t.strictSame(await isolator.verify(), [], 'repaired')
  t.ok(await before.talks(), 'the connection goes on')
  for (const prefix of [NEW, OLD]) t.equal(await reaches(world, slaac(prefix)), 'connected', prefix)
  t.equal(await tcpConnect(c1, REMOTE_IP6, echo.port, PATIENTLY), 'connected')
  t.match(echo.peers.at(-1), new RegExp(`^${slaac(NEW)}:`), 'a new connection has the new address')

  isolator.on('repaired', () => undefined)
  await world.advertises({ prefixes: [{ prefix: OLD }, { prefix: NEW, preferred: 0 }] })
  t.ok(await has(c1, [`${slaac(OLD)}/128`, `${slaac(NEW)}/128 deprecated`]), 'followed: and back')
  await isClean(t, world, 'and back')
  t.ok(await before.talks(), 'the connection goes on')
  await ip(host.name, `addr del ${slaac(NEW)}/64 dev eth0`)
  t.ok(await has(c1, [`${slaac(OLD)}/128`]), 'followed: its time is over')
  await isClean(t, world, 'its time is over')
  t.ok(await before.talks(), 'the connection goes on')
})

t.test('addresses come and go', needsIsolation(), async t => {
  const world = await followed(t)
  const { isolator, remote, host, c1 } = world
  await using echo = await tcpEcho(remote, '::', 7000)
  const before = await connection(c1, REMOTE_IP6, echo.port)
  t.teardown(before.close)
  for (const [verb, expected] of [
    ['add', [HOST_IP6, OTHER_IP6]],
    ['del', [HOST_IP6]],
    ['add', [HOST_IP6, OTHER_IP6]],
  ] as const) {
    await ip(host.name, `addr ${verb} ${OTHER_IP6}/64 dev eth0${verb === 'add' ? ' nodad' : ''}`)
    t.ok(
      await until(async () => String((await addressesIn(c1)).slice(0, -1).sort()) === String(expected)),
      `${verb}: ${String(expected)}`,
    )
    await isClean(t, world, verb)
    for (const address of expected) t.equal(await reaches(world, address), 'connected', address)
    t.ok(await before.talks(), 'the connection goes on')
  }
  await ip(host.name, `addr del ${HOST_IP6}/64 dev eth0`)
  t.ok(await has(c1, [`${OTHER_IP6}/128`]), 'the first one goes')
  await isClean(t, world, 'the first one')
  t.equal(await reaches(world, OTHER_IP6), 'connected')

  await ipBatch(remote.name, [`addr add ${HOST_IP6}/64 dev eth0 nodad`])
  t.equal(
    await tcpConnect(host, HOST_IP6, echo.port, PATIENTLY),
    'connected',
    'it is on the wire: the host reaches it',
  )
  t.equal(await tcpConnect(c1, HOST_IP6, echo.port, PATIENTLY), 'connected', 'and the container')
  t.match(isolator.host.ipv6, { addresses: [{ address: OTHER_IP6 }] })
})
