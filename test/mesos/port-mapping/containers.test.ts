/**
 * The scenarios of Mesos's src/tests/containerizer/port_mapping_tests.cpp by its names, here those of the life of
 * containers.
 */
import { existsSync } from 'node:fs'
import t from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { ipJson } from '../../helpers/iproute2.js'
import { tcpEcho, tcpConnect } from '../../helpers/tcp-traffic.js'
import { HOST_IP } from '../../helpers/topology.js'
import { needsIsolation, PATIENTLY } from '../../isolator/isolated-topology.js'
import { CONTAINER1_PORTS, CONTAINER2_PORTS, prepare, VALID_PORT } from './containers.js'

t.test('TooManyContainers', needsIsolation(), async t => {
  // 999 ephemeral ports have room for one container.
  const { isolate, isolator, remote } = await prepare(t, { ephemeralPortsPerContainer: 512 })
  const container1 = await isolate(0, { ports: CONTAINER1_PORTS })
  await t.rejects(isolate(1, { ports: CONTAINER2_PORTS }), { code: 'ERR_PORTS_EXHAUSTED' })

  await using server = await tcpEcho(container1, HOST_IP, VALID_PORT)
  t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected', 'the first one goes on')
  t.equal(await isolator.cleanup('container1'), true)
  await t.resolves(isolate(1, { ports: CONTAINER2_PORTS }), 'there is room again')
})

t.test('CleanupNotIsolated', needsIsolation(), async t => {
  const { isolate, isolator, host } = await prepare(t, { ephemeralPortsPerContainer: 512 })
  t.equal(await isolator.cleanup('container1'), false, 'never heard of')

  await t.test('destroyed during preparation', async t => {
    const preparation = isolate(0, { ports: CONTAINER1_PORTS })
    await isolator.cleanup('container1')
    await preparation.catch(() => undefined)
    t.strictSame(isolator.list(), [])
  })

  await t.test('preparation failed', async t => {
    await using _listener = await tcpEcho(host, HOST_IP, VALID_PORT)
    await t.rejects(isolate(0, { ports: CONTAINER1_PORTS }), { code: 'ERR_PORTS_IN_USE' })
    t.equal(await isolator.cleanup('container1'), false)
  })

  await t.resolves(isolate(1, { ports: CONTAINER2_PORTS }), 'its ephemeral ports are free')
  t.equal(await isolator.cleanup('container2'), true)
})

// In Mesos a symlink named after the container, to a handle named after the pid. Here the handle that `ip netns` knows,
// named after the slot as the link is, whose alias has the container's id.
t.test('NetworkNamespaceHandleSymlink', needsIsolation(), async t => {
  const { isolate, isolator, host } = await prepare(t)
  const { info, name } = await isolate(0, { ports: CONTAINER1_PORTS })
  const path = `/run/netns/${info.link}`
  t.ok(existsSync(path))
  {
    await using handle = NetworkNamespace.open(info.link)
    await using namespace = NetworkNamespace.open(name)
    t.ok(handle.equals(namespace), "it is the container's namespace")
  }
  const [link] = await ipJson<{ ifalias: string }>(host.name, `link show dev ${info.link}`)
  t.match(link?.ifalias, /^container1 /)

  await isolator.cleanup('container1')
  t.notOk(existsSync(path))
})
