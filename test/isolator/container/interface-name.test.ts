import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { ip, ipBatch, runIn } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../../helpers/topology.js'
import { udpEcho, udpExchange } from '../../helpers/udp-traffic.js'
import { needsIsolation, OPTIONS, PATIENTLY, preparedTopology } from '../isolated-topology.js'
import { comparableState, filtersOf, isAlike } from '../kernel-state.js'

t.setTimeout(300_000)

const ANY = '0.0.0.0'
const LIMITED = { bloatReduction: 'none' } as const

/** Whether TCP and UDP get from one place to a server at another, and back. */
async function talks(from: NamespaceRef, to: NamespaceRef, address: string, port: number): Promise<boolean> {
  await using tcp = await tcpEcho(to, ANY, port)
  await using udp = await udpEcho(to, ANY, port)
  return (
    (await tcpConnect(from, address, tcp.port, PATIENTLY)) === 'connected' &&
    (await udpExchange(from, address, udp.port, PATIENTLY)) === 'answered'
  )
}

t.test('an interface of another name', needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, LIMITED)
  const [c1, c2] = topology.containers as [NamespaceRef, NamespaceRef]
  const before = await filtersOf(host)
  const options = { netns: c1.name, ports: '31000-31007', egressRateLimit: '10MB' }
  t.match(await isolator.isolate('web-1', { ...options, interfaceName: 'net-1.x' }), {
    interfaceName: 'net-1.x',
  })
  await isolator.isolate('web-2', { netns: c2.name, ports: '31008-31015' })
  const links = await runIn(c1.path, 'ip', '-o', 'link')
  t.match(links, / net-1\.x@/)
  t.notMatch(links, / eth0/)
  t.ok(await talks(remote, c1, HOST_IP, 31_000), 'remote to container')
  t.ok(await talks(c1, remote, REMOTE_IP, 80), 'container to remote')
  t.ok(await talks(c1, c2, HOST_IP, 31_008), 'to another container')
  t.ok(await talks(c2, c1, '127.0.0.1', 31_001), 'and back')
  t.strictSame(await isolator.verify(), [])
  t.type((await isolator.usage('web-1')).net_traffic_control_statistics, Array)
  await isolator.update('web-1', { ports: '31002', egressRateLimit: '20MB' })
  t.strictSame(await isolator.verify(), [])
  await t.test('a later program knows it', async t => {
    await isolator.close()
    const restarted = await PortMappingIsolator.create({ ...OPTIONS, ...LIMITED, netns: host.name })
    t.teardown(() => restarted.destroy())
    await restarted.recover('all')
    t.match(restarted.list(), [{ interfaceName: 'net-1.x' }, { interfaceName: 'eth0' }])
    t.strictSame(await restarted.verify(), [])
    await runIn(c1.path, 'ip', 'link', 'set', 'net-1.x', 'mtu', '1400')
    await ip(host.name, 'route add 10.66.0.0/16 via 10.9.0.1')
    t.match(await restarted.repair(), { left: [] })
    t.match(
      await runIn(c1.path, 'ip', 'route'),
      /10\.66\.0\.0\/16 via 10\.9\.0\.1 dev net-1\.x/,
      'routes are followed',
    )
    t.match(await runIn(c1.path, 'ip', 'link', 'show', 'net-1.x'), /mtu 1500/)
    await restarted.update('web-1', { ports: '31003' })
    t.ok(await talks(remote, c1, HOST_IP, 31_003))
    const { containers } = await PortMappingIsolator.inspect({ netns: host.name })
    t.match(containers, [{ interfaceName: 'net-1.x' }, { interfaceName: 'eth0' }])

    const { link } = restarted.get('web-1')!
    const note = `altname ${link}=inside:net-1.x`
    await ip(host.name, `link property del dev ${link} ${note}`)
    t.match(await restarted.repair('web-1'), { repaired: [{ kind: 'different' }], left: [] })
    t.ok((await ip(host.name, `link show dev ${link}`)).includes(note), 'the note is made again')

    const lines = restarted.explain('web-1')
    t.ok(lines.some(line => line.includes('peer name net-1.x')))
    t.notOk(lines.some(line => line.includes(`-n ${link} `) && line.includes(' dev eth0')))
    await restarted.cleanupMany(['web-1', 'web-2'])
    t.strictSame(await filtersOf(host), before)
  })
})

t.test('names that no container can have', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t)
  const [{ name }] = topology.containers as [NamespaceRef]
  const names = ['', 'lo', 'all', 'default', '.', 'a/b', 'a:b', 'a b', 'eth%d', 'à', 'sixteen-letters!', 3]
  for (const interfaceName of names as string[]) {
    await t.rejects(
      isolator.isolate('web-1', { netns: name, interfaceName }),
      { code: 'ERR_INVALID_OPTION', details: { option: 'interfaceName' } },
      JSON.stringify(interfaceName),
    )
  }
})

t.test('what is in the way inside', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t)
  const [c1, c2] = topology.containers as [NamespaceRef, NamespaceRef]
  const cases: [what: string, lines: string[], message: RegExp][] = [
    ['the name', ['link add eth0 type veth peer name eth9'], /has an interface eth0 of kind veth already/],
    [
      'a default route',
      [
        'link add net1 type veth peer name net2',
        'addr add 10.77.0.2/24 dev net1',
        'link set net1 up',
        'route add default via 10.77.0.1',
      ],
      /has the route default via 10\.77\.0\.1 dev net1 already/,
    ],
    [
      'the prefix of the host',
      ['link add net1 type veth peer name net2', 'addr add 10.9.0.9/24 dev net1', 'link set net1 up'],
      /has the route 10\.9\.0\.0\/24 dev net1 already/,
    ],
    [
      'an IPv6 address',
      ['link add net1 type veth peer name net2', 'addr add fd00::2/64 dev net1', 'link set net1 up'],
      /has the IPv6 address fd00::2 of net1 already/,
    ],
  ]
  for (const [what, lines, message] of cases) {
    await ipBatch(c1.name, lines)
    const before = await comparableState([host, c1])
    await t.rejects(
      isolator.isolate('web-1', { netns: c1.name, ports: '31000' }),
      { code: 'ERR_FOREIGN_STATE', message },
      what,
    )
    await isAlike(t, [host, c1], before, 'nothing has changed')
    t.strictSame(isolator.list(), [])
    const dev = / (eth0|net1) /.exec(lines[0] as string)?.[1] as string
    await ip(c1.name, `link del ${dev}`)
  }
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000' })
  await ip(c2.name, 'link add eth0 type veth peer name eth9')
  await isolator.isolate('web-2', { netns: c2.name, ports: '31001', interfaceName: 'eth1' })
  t.strictSame(await isolator.verify(), [])
  await t.rejects(isolator.isolate('web-3', { netns: c1.name }), {
    code: 'ERR_CONTAINER_EXISTS',
    message: /as 'web-1'/,
  })
})

t.test('beside another interface', needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, { containers: 3 })
  const [c1, c2, lan] = topology.containers as [NamespaceRef, NamespaceRef, NamespaceRef]
  await ipBatch(lan.name, [
    `link add net1 type veth peer name net1 netns ${c1.name}`,
    'addr add 10.77.0.1/24 dev net1',
    'link set net1 up',
    'link set lo up',
    `link add net2 type veth peer name net1 netns ${c2.name}`,
    'addr add 10.78.0.1/24 dev net2',
    'link set net2 up',
  ])
  await ipBatch(c1.name, [
    'addr add 10.77.0.2/24 dev net1',
    'link set net1 up',
    'route add 10.78.0.0/24 via 10.77.0.1',
  ])
  // A default route of a higher metric is not used any more.
  await ipBatch(c2.name, [
    'addr add 10.78.0.2/24 dev net1',
    'link set net1 up',
    'route add default via 10.78.0.1 metric 100',
  ])
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
  await isolator.isolate('web-2', { netns: c2.name, ports: '31008-31015', interfaceName: 'pub0' })
  t.strictSame(await isolator.verify(), [])
  const check = async (): Promise<void> => {
    t.ok(await talks(remote, c1, HOST_IP, 31_000), 'remote to container')
    t.ok(await talks(c1, remote, REMOTE_IP, 80), 'container to remote')
    t.ok(await talks(c2, remote, REMOTE_IP, 80), 'the other container to remote')
    t.ok(await talks(host, c1, HOST_IP, 31_001), 'host to container')
    t.ok(await talks(c1, host, HOST_IP, 80), 'container to host')
    t.ok(await talks(c1, c2, HOST_IP, 31_008), 'container to container')
    t.ok(await talks(c1, c1, HOST_IP, 31_002), 'to itself')
    t.ok(await talks(lan, c1, '10.77.0.2', 31_003), 'the other network to the container')
    t.ok(await talks(lan, c1, '10.77.0.2', 8080), 'at any port')
    t.ok(await talks(c1, lan, '10.77.0.1', 80), 'and back')
    t.ok(await talks(c1, c1, '10.77.0.2', 8081), 'to itself by its other address')
    t.ok(await talks(c2, lan, '10.78.0.1', 80), 'the other container in its own other network')
  }
  await check()
  await isolator.cleanup('web-1')
  t.ok(await talks(lan, c1, '10.77.0.2', 8080), 'it stays when the container is cleaned up')
})
