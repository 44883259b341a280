import t, { type Test } from 'tap'
import { ip, ipBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { connection, followed, isClean, slaac, until, type Followed } from '../followed6.js'
import { OTHER_IP6, prefixesIn, reaches } from '../inet6-host.js'
import { HOST_IP6, HOST_LINES, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../inet6-topology.js'
import { needsIsolation, PATIENTLY } from '../isolated-topology.js'

const has = (container: NamespaceRef, prefixes: readonly string[]): Promise<boolean> =>
  until(async () => String(await prefixesIn(container)) === String(prefixes))

/** Whether verify() reports this, and an event has. */
async function isReported(t: Test, { isolator, repairs }: Followed, found: RegExp): Promise<void> {
  t.ok(
    await until(() =>
      Promise.resolve(repairs.some(({ left }) => left.some(each => found.test(each.found ?? '')))),
    ),
    'an event reports it',
  )
  const differences = await isolator.verify()
  t.ok(
    differences.some(each => each.kind === 'missing' && each.foreign && found.test(each.found ?? '')),
    'verify() reports it',
  )
}

const [NO_AUTOMATIC, NO_SCOPE, , LINK_LOCAL, DEFAULT] = HOST_LINES
const AGAIN = [`addr add ${HOST_IP6}/64 dev eth0 nodad`, LINK_LOCAL, DEFAULT]

t.test('the interface goes down, and its addresses with it', needsIsolation(), async t => {
  const world = await followed(t)
  const { isolator, remote, host, c1 } = world
  await using echo = await tcpEcho(remote, '::', 7000)
  const before = await connection(c1, REMOTE_IP6, echo.port)
  t.teardown(before.close)
  await ip(host.name, 'link set eth0 down')
  await isReported(t, world, /eth0 has lost 2001:db8:9::2, which containers share: .*Give it back to eth0/)
  t.strictSame(await prefixesIn(c1), [`${HOST_IP6}/128`], 'containers keep it')
  await ip(host.name, 'link set eth0 up')
  t.ok((await isolator.verify()).some(({ object }) => object === `ip addr add ${HOST_IP6}/64 dev eth0`))
  await ipBatch(host.name, [...AGAIN, 'route add default via 10.9.0.1 dev eth0'])
  await isClean(t, world, 'up again')
  t.ok(await before.talks(), 'the connection goes on')
  t.equal(await reaches(world, HOST_IP6), 'connected')
})

t.test('down and up, where a router gives the addresses', needsIsolation(), async t => {
  const prefix = '2001:db8:9::'
  const prefixes = [{ prefix }]
  const world = await followed(t, { hostLines: [], conf: { dad_transmits: 1 }, advertised: { prefixes } })
  const { remote, host, c1 } = world
  await using echo = await tcpEcho(remote, '::', 7000)
  const before = await connection(c1, REMOTE_IP6, echo.port)
  t.teardown(before.close)
  await ipBatch(host.name, ['link set eth0 down', 'link set eth0 up'])
  await ip(host.name, 'route add default via 10.9.0.1 dev eth0')
  await isReported(t, world, /eth0 has lost 2001:db8:9:.*, which containers share/)
  await world.advertises({ prefixes })
  await isClean(t, world, 'the router has advertised')
  t.strictSame(await prefixesIn(c1), [`${slaac(prefix)}/128`])
  t.ok(await before.talks(), 'the connection goes on')
  t.equal(await reaches(world, slaac(prefix)), 'connected')
  t.match(world.isolator.host.ipv6, { linkLocal: HOST_LINK_LOCAL, gateways: [REMOTE_LINK_LOCAL] })
})

t.test('an address that another machine takes', needsIsolation(), async t => {
  const world = await followed(t, { hostLines: [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`] })
  const { isolator, remote, host, c1 } = world
  await using echo = await tcpEcho(remote, '::', 7000)
  for (const [address, others] of [
    [HOST_IP6, [`${OTHER_IP6}/128`]],
    [OTHER_IP6, [`${OTHER_IP6}/128`]],
  ] as const) {
    await ip(host.name, `addr del ${address}/64 dev eth0`)
    t.ok(await has(c1, others), `${address} goes`)
    await ip(remote.name, `addr add ${address}/64 dev eth0 nodad`)
    await until(async () => (await isolator.verify()).every(({ kind }) => kind === 'missing'))
    t.equal(await tcpConnect(host, address, echo.port, PATIENTLY), 'connected', 'the host reaches it there')
  }
  await isReported(t, world, /eth0 has lost 2001:db8:9::3, which containers share/)
  await ip(remote.name, `addr del ${OTHER_IP6}/64 dev eth0`)
  await ip(host.name, `addr add ${OTHER_IP6}/64 dev eth0 nodad`)
  await isClean(t, world, 'it is back')
  t.equal(await reaches(world, OTHER_IP6), 'connected')
})

t.test('one of addresses6 stays although it is lost', needsIsolation(), async t => {
  const world = await followed(t, {
    hostLines: [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`],
    addresses6: [HOST_IP6, OTHER_IP6],
  })
  const { host, c1 } = world
  await ip(host.name, `addr del ${HOST_IP6}/64 dev eth0`)
  await isReported(t, world, /has lost 2001:db8:9::2,.* or leave it out of 'addresses6'/)
  t.strictSame(await prefixesIn(c1), [`${HOST_IP6}/128`, `${OTHER_IP6}/128`])
  await ip(host.name, `addr add ${HOST_IP6}/64 dev eth0 nodad`)
  await isClean(t, world, 'back')
})

t.test('the host finds a duplicate of an address', needsIsolation(), async t => {
  const world = await followed(t, {
    conf: { dad_transmits: 1, keep_addr_on_down: 1 },
    hostLines: [NO_AUTOMATIC, NO_SCOPE, LINK_LOCAL, DEFAULT, `addr add ${HOST_IP6}/64 dev eth0`],
  })
  const { remote, host, c1 } = world
  t.strictSame(await prefixesIn(c1), [`${HOST_IP6}/128`])

  await t.test('of a new one', async t => {
    await ip(remote.name, `addr add ${OTHER_IP6}/64 dev eth0 nodad`)
    await ip(host.name, `addr add ${OTHER_IP6}/64 dev eth0`)
    await isReported(t, world, /another machine on the link has 2001:db8:9::3 too, .*\(dadfailed\)/)
    t.strictSame(await prefixesIn(c1), [`${HOST_IP6}/128`], 'it is not shared')
    t.equal(await reaches(world, HOST_IP6), 'connected')
    await ip(remote.name, `addr del ${OTHER_IP6}/64 dev eth0`)
    await ipBatch(host.name, [`addr del ${OTHER_IP6}/64 dev eth0`, `addr add ${OTHER_IP6}/64 dev eth0`])
    t.ok(await until(async () => (await prefixesIn(c1)).length === 2), 'without the duplicate it is')
    await isClean(t, world, 'without the duplicate')
    await ip(host.name, `addr del ${OTHER_IP6}/64 dev eth0`)
    t.ok(await has(c1, [`${HOST_IP6}/128`]))
  })

  await t.test('of the last one that is shared', async t => {
    await ip(host.name, 'link set eth0 down')
    await ip(remote.name, `addr add ${HOST_IP6}/64 dev eth0 nodad`)
    await ip(host.name, 'link set eth0 up')
    await isReported(t, world, /another machine on the link has 2001:db8:9::2 too/)
    t.ok(await has(c1, []), 'no container has it any more')
    t.match(world.isolator.host.ipv6, { addresses: [] })
    t.strictSame((await world.isolator.repair()).repaired, [], 'nothing but that is to be put right')

    await ip(remote.name, `addr del ${HOST_IP6}/64 dev eth0`)
    await ip(host.name, `addr del ${HOST_IP6}/64 dev eth0`)
    await isReported(t, world, /eth0 has no global IPv6 address, and containers have none/)
    await ip(host.name, `addr add ${HOST_IP6}/64 dev eth0`)
    await ip(host.name, 'route replace default via 10.9.0.1 dev eth0')
    t.ok(await has(c1, [`${HOST_IP6}/128`]), 'without the duplicate they have it again')
    await isClean(t, world, 'without the duplicate')
    t.equal(await reaches(world, HOST_IP6), 'connected')
  })
})
