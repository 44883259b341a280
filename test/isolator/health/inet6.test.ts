import t from 'tap'
import { ipBatch, runIn, tc } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { create, emptyTopology, OTHER_IP6, PORTS, prefixesIn } from '../inet6-host.js'
import { HOST_IP6, HOST_LINES, twoContainers6 } from '../inet6-topology.js'
import { needsIsolation, PATIENTLY } from '../isolated-topology.js'

t.test('a filter of others ahead of those for IPv6', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const { host } = topology
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  const matches = 'u32 match u32 0 0 at 0 flowid 1:1'
  await tc(host.name, `filter add dev eth0 ingress prio 1024 protocol ip ${matches}`)
  t.strictSame(await isolator.verify(), [], 'one for IPv4 is behind those for IPv4')
  await tc(host.name, `filter add dev eth0 ingress prio 1025 protocol ipv6 ${matches}`)
  t.match(await isolator.verify(), [{ kind: 'ahead', foreign: true, object: /prio 1025/ }])
})

t.test('what is missing inside is put back', needsIsolation(), async t => {
  const { isolator, remote, c1 } = await twoContainers6(t)
  await ipBatch(c1.name, [`addr del ${HOST_IP6}/128 dev eth0`, 'route del default via fe80::1 dev eth0'])
  await runIn(c1.path, 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_ra=2')
  await runIn(c1.path, 'tc', 'filter', 'del', 'dev', 'lo', 'ingress', 'prio', '1030')
  t.not((await isolator.verify('web-1')).length, 0)
  await isolator.repair('web-1')
  t.strictSame(await isolator.verify('web-1'), [])
  await using server = await tcpEcho(c1, '::', c1.port)
  t.equal(await tcpConnect(remote, HOST_IP6, server.port, PATIENTLY), 'connected')
})

t.test('the address that a container prefers', needsIsolation(), async t => {
  const topology = await emptyTopology(t, [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`])
  const [c1] = topology.containers
  const isolator = await create(topology, { addresses6: [HOST_IP6, OTHER_IP6] })
  t.teardown(() => isolator.destroy())
  await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS })
  const preferred = [`${HOST_IP6}/128`, `${OTHER_IP6}/128`]
  t.strictSame(await prefixesIn(c1!), preferred)
  for (const lines of [
    [`addr del ${OTHER_IP6}/128 dev eth0`],
    [`addr del ${OTHER_IP6}/128 dev eth0`, `addr add ${OTHER_IP6}/128 dev eth0 nodad`],
    [`addr del ${HOST_IP6}/128 dev eth0`, `addr add ${HOST_IP6}/64 dev eth0 nodad`],
    [`addr add 2001:db8:9::66/64 dev eth0 nodad`],
  ]) {
    await ipBatch(c1!.name, lines)
    t.not((await isolator.verify('web-1')).length, 0, lines.join(', '))
    t.strictSame((await isolator.repair('web-1')).left, [])
    t.strictSame(await prefixesIn(c1!), preferred)
    t.strictSame(await isolator.verify('web-1'), [])
  }
  await ipBatch(c1!.name, [`addr add 2001:db8:9::67/64 dev eth0`])
  t.strictSame(
    await isolator.verify('web-1'),
    [],
    'one that the container looks for duplicates of is its own',
  )
})
