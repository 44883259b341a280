/**
 * The scenarios of Mesos's src/tests/containerizer/routing_tests.cpp by its names, here those that read: what it asserts
 * of its routing library has to hold of ours.
 */
import { isIPv4 } from 'node:net'
import t, { type Test } from 'tap'
import { PortRanges } from '../../src/isolator/ports/port-ranges.js'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { SockDiagSocket } from '../../src/sock-diag/index.js'
import { describeU32Keys, u32 } from '../../src/tc/index.js'
import { ip } from '../helpers/iproute2.js'
import { canCreateNamespaces } from '../helpers/privilege.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, REMOTE_IP, WIRE, type Topology } from '../helpers/topology.js'
import { exists } from './exists.js'

const NOT_EXIST = 'not-exist'

/** A host as in the tests of the isolator, with `lo`, `eth0` and a default route, and a socket in it. */
async function host(t: Test): Promise<Topology & { rt: RtnetlinkSocketSync }> {
  const topology = await createTopology({ containers: 0, prefix: 'm' })
  t.teardown(() => topology.close())
  const rt = RtnetlinkSocketSync.open({ netns: topology.host.path })
  t.teardown(() => rt.close())
  return { ...topology, rt }
}

/** A range as Mesos's ip::PortRange has it: one u32 key, here of the destination port at offset 0. */
const keyOf = (first: number, last: number) => u32.destinationPorts(first, last, { at: 0 })

t.test('PortRange', async t => {
  t.throws(() => PortRanges.from([[1, 0]]), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => keyOf(1, 0), RangeError)
  t.throws(() => keyOf(4, 11), RangeError, 'eight ports that are not aligned to eight')
  t.equal(PortRanges.from([[4, 11]]).size, 8, 'which a container may have nevertheless')

  const byBeginAndEnd = [
    [4, 7, 0xfffc],
    [10, 10, 0xffff],
  ] as const
  for (const [first, last, mask] of byBeginAndEnd) {
    t.strictSame(keyOf(first, last), [{ at: 0, value: first, mask }])
    t.equal(JSON.stringify(PortRanges.from([[first, last]])), `[[${first},${last}]]`)
  }

  const byBeginAndMask = [
    [20, 0xffff, 20],
    [1024, 0xfff8, 1031],
  ] as const
  for (const [first, mask, last] of byBeginAndMask) {
    const described = describeU32Keys([{ at: 0, value: first, mask }], { header: 'transport' })
    t.strictSame(described, [{ match: 'destinationPort', first, last }])
  }
})

t.test('LinkIndex', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  const links = rt.links.list()
  t.same(links.map(({ name }) => name).sort(), [WIRE, 'lo'])
  for (const { name, index } of links) {
    t.not(index, 0)
    t.equal(rt.links.get(name).index, index)
  }
  t.throws(() => rt.links.get(NOT_EXIST), { code: 'ENODEV' })
})

t.test('LinkName', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  for (const { name, index } of rt.links.list()) t.equal(rt.links.get(index).name, name)
  t.throws(() => rt.links.get(4711), { code: 'ENODEV' })
})

t.test('LinkStatistics', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  for (const { name } of rt.links.list()) {
    const { statistics } = rt.links.get(name)
    for (const counter of ['rxPackets', 'rxBytes', 'txPackets', 'txBytes'] as const)
      t.type(statistics?.[counter], 'bigint', `${name} ${counter}`)
  }
  t.throws(() => rt.links.get(NOT_EXIST), { code: 'ENODEV' })
})

t.test('LinkExists', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  for (const { name } of rt.links.list()) t.ok(exists(() => rt.links.get(name)))
  t.notOk(exists(() => rt.links.get(NOT_EXIST)))
})

t.test('Eth0', canCreateNamespaces(), async t => {
  const { rt, host: namespace } = await host(t)
  const publicInterface = () => rt.routes.list({ table: 'main' }).find(isDefault)?.dev
  t.equal(publicInterface(), WIRE)
  t.ok(exists(() => rt.links.get(publicInterface()!)))
  await ip(namespace.name, 'route del default')
  t.equal(publicInterface(), undefined, 'without a default route there is none, which is no error')
})

t.test('Lo', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  const loopbacks = rt.links.list().filter(({ flags }) => flags.includes('LOOPBACK'))
  t.strictSame(
    loopbacks.map(({ name }) => name),
    ['lo'],
  )
  t.ok(exists(() => rt.links.get(loopbacks[0]!.name)))
})

t.test('RouteTable', canCreateNamespaces(), async t => {
  const { rt } = await host(t)
  const table = rt.routes.list({ family: 'inet', table: 'main' })
  t.match(table.find(isDefault), { gateway: REMOTE_IP, dev: WIRE })
  t.ok(table.some(({ destination }) => destination === '10.9.0.0/24'))
})

const isDefault = ({ destination }: { destination: string }): boolean => destination === 'default'

t.test('INETSockets', canCreateNamespaces(), async t => {
  const { host: namespace, remote } = await host(t)
  await using server = await tcpEcho(namespace, HOST_IP, 8080)
  await tcpExchange(remote, HOST_IP, server.port, Buffer.from('hello'), { timeout: 5000 })
  await using diag = await SockDiagSocket.open({ netns: namespace.path })
  const sockets = await diag.list({ family: 'inet' })
  t.ok(sockets.some(({ state, localPort }) => state === 'listening' && localPort === server.port))
  for (const { localAddress, remoteAddress } of sockets) {
    t.ok(isIPv4(localAddress), localAddress)
    t.ok(isIPv4(remoteAddress), remoteAddress)
  }
})
