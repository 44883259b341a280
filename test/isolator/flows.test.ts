import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { run, tc, tcBatch } from '../helpers/iproute2.js'
import { anyLike, udpSocketIn } from '../helpers/namespace-sockets.js'
import { resolveNeighbour } from '../helpers/neighbours.js'
import { ping } from '../helpers/ping.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import {
  createTopology,
  HOST_IP,
  HOST_MAC,
  REMOTE_IP,
  type NamespaceRef,
  type Topology,
} from '../helpers/topology.js'
import { HOST_LINES, preparedInet6, REMOTE_IP6 } from './inet6-topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from './isolated-topology.js'
import { changesNothing, settleLoopback } from './kernel-state.js'

const needsFlows = () => allOf(needsIsolation(), hasQdisc('htb'), hasQdisc('fq_codel'))

async function hostWith(t: Test, containers: number): Promise<Topology> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  return topology
}

const create = ({ name: netns }: NamespaceRef, options: object = {}): Promise<PortMappingIsolator> =>
  PortMappingIsolator.create({ ...OPTIONS, netns, egressUniqueFlowPerContainer: true, ...options })

interface Sending {
  localAddress?: string
  localPort?: number
  to?: string
}

const sendDatagrams = async (
  from: NamespaceRef,
  count: number,
  { to = REMOTE_IP, localAddress = anyLike(to), localPort = 0 }: Sending = {},
): Promise<void> => {
  const socket = await udpSocketIn(from, localAddress, localPort)
  for (let i = 0; i < count; i++)
    await new Promise(resolve => socket.send(Buffer.alloc(1400), 9, to, resolve))
  socket.close()
}

/** The flows of the qdisc in which packets wait. */
async function waitingIn({ name: netns }: NamespaceRef): Promise<string[]> {
  await using rt = await RtnetlinkSocket.open({ netns })
  return (await rt.classes.list({ dev: 'eth0', qdisc: '504d:' })).map(({ classid }) => classid).sort()
}

t.test('a flow for each container, one for the host, one for ICMP', needsFlows(), async t => {
  const { host, containers } = await hostWith(t, 2)
  const [c1, c2] = containers as [NamespaceRef, NamespaceRef]
  await t.rejects(create(host, { egressFlowClassifierParent: '1:10' }), { code: 'ENOENT' }, 'no such class')

  await tcBatch(host.name, [
    'qdisc add dev eth0 root handle 1: htb default 10',
    'class add dev eth0 parent 1: classid 1:10 htb rate 100mbit',
  ])
  const isolator = await create(host, { egressFlowClassifierParent: '1:10' })
  t.teardown(() => isolator.destroy())
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
  await isolator.isolate('web-2', { netns: c2.name })
  await isolator.update('web-1', { ports: '31004-31015' })
  for (const namespace of [host, c1, c2]) await resolveNeighbour(namespace, 'eth0', REMOTE_IP, 5000)

  // From here on a packet waits for seconds: which flows packets wait in can be looked at.
  await tc(host.name, 'class change dev eth0 parent 1: classid 1:10 htb rate 8kbit burst 1600')
  const waiting = (): Promise<string[]> => waitingIn(host)
  const [hosts, shared, first, second] = ['504d:1', '504d:2', '504d:3', '504d:4'] as const
  await sendDatagrams(c2, 5)
  t.strictSame(await waiting(), [second], 'an ephemeral port')
  await sendDatagrams(c1, 5, { localPort: 31_012 })
  t.strictSame(await waiting(), [first, second], 'a port that was given by update()')
  await sendDatagrams(host, 5)
  t.strictSame(await waiting(), [hosts, first, second], 'the host')
  await using tool = await FrameTool.start()
  t.equal(await ping(tool, c1, REMOTE_IP, { size: 1000, timeout: 20 }), 'timeout')
  await ping(tool, c2, REMOTE_IP, { size: 1000, timeout: 20 })
  t.strictSame(await waiting(), [hosts, shared, first, second], 'pings')
})

t.test('the same flows for IPv6, from every shared address', needsFlows(), async t => {
  const another = '2001:db8:9::22'
  const { topology, host } = await preparedInet6(t, {
    hostLines: [...HOST_LINES, `addr add ${another}/64 dev eth0 nodad`],
  })
  const [c1, c2] = topology.containers as [NamespaceRef, NamespaceRef]
  await tcBatch(host.name, [
    'qdisc add dev eth0 root handle 1: htb default 10',
    'class add dev eth0 parent 1: classid 1:10 htb rate 100mbit',
  ])
  const options = { ipv6: true, egressFlowClassifierParent: '1:10' }
  await using isolator = await create(host, options)
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
  await isolator.isolate('web-2', { netns: c2.name })
  t.strictSame(await isolator.verify(), [])
  for (const namespace of [host, c1, c2])
    t.equal(await tcpConnect(namespace, REMOTE_IP6, 9, PATIENTLY), 'refused', 'control: it is reached')

  await tc(host.name, 'class change dev eth0 parent 1: classid 1:10 htb rate 8kbit burst 1600')
  const [hosts, shared, ofFirst, ofSecond] = ['504d:1', '504d:2', '504d:3', '504d:4'] as const
  await sendDatagrams(c2, 5, { to: REMOTE_IP6 })
  t.strictSame(await waitingIn(host), [ofSecond], 'an ephemeral port')
  await sendDatagrams(c1, 5, { to: REMOTE_IP6, localAddress: another, localPort: 31_004 })
  t.strictSame(await waitingIn(host), [ofFirst, ofSecond], 'a port of its own, by another shared address')
  await sendDatagrams(host, 5, { to: REMOTE_IP6 })
  t.strictSame(await waitingIn(host), [hosts, ofFirst, ofSecond], 'the host')
  await run('nsenter', [`--net=${c2.path}`, 'ping', '-c1', '-W1', REMOTE_IP6]).catch(() => undefined)
  t.strictSame(
    await waitingIn(host),
    [hosts, shared, ofFirst, ofSecond],
    'pings, and neighbour solicitations',
  )

  const withRoots = await tc(host.name, 'filter show dev eth0 parent 504d:')
  await run('ip', ['-n', host.name, 'addr', 'del', `${another}/64`, 'dev', 'eth0'])
  t.match(await isolator.repair(), { left: [] }, 'follows the addresses')
  t.strictSame(await isolator.verify(), [])
  t.not(await tc(host.name, 'filter show dev eth0 parent 504d:'), withRoots)
  await run('ip', ['-n', host.name, 'addr', 'add', '2001:db8:9::1:2/64', 'dev', 'eth0', 'nodad'])
  await isolator.close()
  await using next = await create(host, options)
  await next.recover('all')
  t.strictSame(await next.verify(), [])
  t.equal(next.host.ipv6?.addresses.length, 2, 'and so does the next program')
})

t.test('at the root', needsFlows(), async t => {
  const { host, remote, containers } = await hostWith(t, 1)
  await changesNothing(t, [host], async () => {
    const isolator = await create(host)
    t.match(await tc(host.name, 'qdisc show dev eth0'), /qdisc fq_codel 504d: root .* flows 8192 /)
    await isolator.isolate('web-1', { netns: containers[0]!.name, ports: '31000' })
    await using server = await tcpEcho(containers[0]!, '0.0.0.0', 31_000)
    t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected', 'traffic flows')
    await isolator.cleanup('web-1')
    await isolator.close()
    const restarted = await create(host, { egressUniqueFlowPerContainer: false })
    t.match(
      await tc(host.name, 'qdisc show dev eth0'),
      /fq_codel 504d: root/,
      'is there as long as it is used',
    )
    await restarted.destroy()
  })
  await changesNothing(t, [host], async () => {
    const isolator = await create(host)
    await isolator.close()
    await tc(host.name, 'filter del dev eth0 parent 504d: prio 1010')
    const restarted = await create(host)
    t.match(
      await tc(host.name, 'filter show dev eth0 parent 504d:'),
      /pref 1010/,
      'what is missing is put back',
    )
    await restarted.destroy()
  })
})

t.test('flows that another isolator has made since', needsFlows(), async t => {
  const { host, containers } = await hostWith(t, 2)
  const [c1, c2] = containers as [NamespaceRef, NamespaceRef]
  const flows = (): Promise<string> => tc(host.name, 'filter show dev eth0 parent 504d:')
  await using without = await create(host, { egressUniqueFlowPerContainer: false })
  await using one = await create(host)
  t.teardown(() => PortMappingIsolator.remove({ netns: host.name }))
  const none = await flows()
  const { link } = await one.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
  const [ofFirst, ofSecond] = [/match 7918/, /match 7920/]
  t.match(await flows(), ofFirst, 'control: the container has nodes there')
  await run('ip', ['-n', host.name, 'link', 'del', link])
  await run('ip', ['-n', host.name, 'link', 'set', 'pmcopies', 'alias', 'being changed by 1-killed.1'])
  await without.isolate('web-2', { netns: c2.name, ports: '31008-31015' })
  t.notMatch(await flows(), ofFirst, 'go with a container whose removal the other brings to its end')
  t.match(await flows(), ofSecond, 'and containers of the other have theirs')
  await without.cleanup('web-2')
  t.equal(await flows(), none, 'which go with them')
})

t.test("another's qdisc at the root is left alone", needsFlows(), async t => {
  const { host } = await hostWith(t, 0)
  await tc(host.name, 'qdisc add dev eth0 root handle 7: pfifo')
  await changesNothing(t, [host], () =>
    t.rejects(create(host), {
      code: 'ERR_FOREIGN_STATE',
      message: /eth0 has a pfifo qdisc 7: at root.*tc qdisc del dev eth0 root/,
    }),
  )
})
