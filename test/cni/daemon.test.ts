import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { ipBatch } from '../helpers/iproute2.js'
import { allOf } from '../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { ask } from '../isolator/agent-process.js'
import { needsIsolation, PATIENTLY } from '../isolator/isolated-topology.js'
import { hasClient } from './client-process.js'
import {
  asked,
  buildDaemon,
  callDaemon,
  get,
  hostOfDaemon,
  startDaemon,
  type HostOfDaemon,
} from './daemon-process.js'
import { NETWORK } from './network.js'

t.setTimeout(180_000)
buildDaemon()
const needs = allOf(needsIsolation(), hasClient())

/** Calls the daemon, and asks it by HTTP, from a namespace that is not the host's. */
async function refusedFrom(t: Test, from: NamespaceRef, { socket, http }: HostOfDaemon): Promise<void> {
  t.match(await asked({ host: from, socket }, { command: 'STATUS' }), {
    status: 1,
    output: { code: 5, msg: /^rtnetlinkd is for the host: the caller is in another network namespace/ },
  })
  const asking = spawn('nsenter', [
    ...[`--net=${from.path}`, process.execPath, '-e'],
    `require('net').connect(${JSON.stringify(http)}).on('error', () => 0)
      .on('close', () => process.exit(7)).write('GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')`,
  ])
  t.strictSame((await once(asking, 'exit'))[0], 7, 'closed without an answer')
}

t.test('calls of a runtime', needs, async t => {
  const on = await hostOfDaemon(t)
  const { remote, socket, http, topology } = on
  const [c1, c2] = [topology.containers[0]!, topology.containers[1]!]
  const daemon = startDaemon(t, on)
  await daemon.prints('listening')
  t.equal(statSync(socket).mode & 0o777, 0o600)
  t.equal(statSync(http).mode & 0o777, 0o600)
  await t.test('from another namespace nobody may call or ask, container or not', async t => {
    await refusedFrom(t, c1, on)
    t.match(await daemon.prints('caller refused'), { code: 5 })
  })

  const add = { command: 'ADD', id: 'web-1', netns: c1.path, ports: [31000, 31001] }
  const added = await asked(on, add)
  t.equal(added.status, 0, JSON.stringify(added.output))
  t.match(added.output, { cniVersion: '1.1.0', interfaces: [{ name: 'pm1' }, { sandbox: c1.path }] })
  await using echo = await tcpEcho(c1, '0.0.0.0', 31000)
  t.equal(await tcpConnect(remote, HOST_IP, echo.port, PATIENTLY), 'connected')
  t.match(await asked(on, { ...add, command: 'CHECK' }), { status: 0, output: undefined })
  t.match(await asked(on, { command: 'STATUS' }), { status: 0, output: undefined })
  t.match(await asked(on, { ...add, id: 'web-2', netns: c2.path }), { status: 1, output: { code: 103 } })
  t.match(await asked(on, { ...add, network: { ...NETWORK, ports: '31000-31500' } }), {
    status: 1,
    output: {
      code: 7,
      msg: /^rtnetlinkd has 'ports' "31000-31999", and this network 'ports' "31000-31500"/,
    },
  })

  await t.test('what it says of itself', async t => {
    t.strictSame(await get(on, '/healthz'), { status: 200, body: '{"containers":1}' })
    const { status, body } = await get(on, '/metrics')
    t.equal(status, 200)
    t.match(body, /^rtnetlink_container_net_rx_bytes_total\{id="shared:web-1"\} \d/m)
    t.match(body, /^rtnetlinkd_call_duration_seconds_count\{command="ADD",code="0"\} 1$/m)
    t.match(body, /^rtnetlinkd_call_duration_seconds_count\{command="ADD",code="103"\} 1$/m)
    t.match(body, /^rtnetlinkd_containers 1$/m)
    t.match(body, /^rtnetlinkd_ready 1$/m)
    const statistics = await get(on, '/monitor/statistics')
    t.match(JSON.parse(statistics.body), [{ executor_id: 'shared:web-1' }])
    t.equal((await get(on, '/containers')).status, 404)
    t.equal((await get(on, '/metrics', { Host: 'evil.example' })).status, 421)
    t.equal((await get(on, '/metrics', { Origin: 'http://evil.example' })).status, 403)
  })

  await t.test('from inside a container nobody may call or ask', async t => {
    await refusedFrom(t, c1, on)
  })

  await t.test('the log has each call, and no secret', async t => {
    const secret = 'correct-horse-battery-staple'
    const ended = await asked(on, {
      ...{ command: 'ADD', id: 'web-3', netns: c2.path },
      network: { ...NETWORK, password: secret },
    })
    t.match(ended, { status: 1, output: { code: 2 } })
    const line = daemon.lines.find(({ container, msg }) => container === 'web-1' && msg === 'done')
    t.match(line, { level: 30, command: 'ADD', network: 'shared', ms: Number })
    t.match(
      daemon.lines.find(({ code }) => code === 103),
      { msg: 'refused', container: 'web-2', reason: /31000/ },
    )
    t.match(
      daemon.lines.find(({ code }) => code === 2),
      { msg: 'refused', container: 'web-3', reason: /'password'/ },
    )
    t.notMatch(JSON.stringify(daemon.lines), secret)
  })

  t.match(await asked(on, { ...add, command: 'DEL' }), { status: 0, output: undefined })
  t.match(await asked(on, { ...add, command: 'DEL' }), { status: 0, output: undefined }, 'twice')
  t.strictSame((await PortMappingIsolator.inspect({ netns: on.host.name })).containers, [])
  daemon.child.kill('SIGHUP')
  await daemon.prints(
    'SIGHUP: the configuration is read when rtnetlinkd starts; start it again, containers stay',
  )
  t.equal((await get(on, '/healthz')).status, 200)
  t.equal(await daemon.end('SIGTERM'), 0)
  t.notOk(existsSync(socket), 'its socket is gone')
  t.equal(daemon.errors(), '')
})

t.test('another mount namespace than that of the runtime', needs, async t => {
  const on = await hostOfDaemon(t, { containers: 0 })
  const daemon = startDaemon(t, on, { command: ['unshare', '--mount', '--propagation', 'private'] })
  await daemon.prints('isolator created')
  // A name that is mounted where the daemon does not see it.
  const path = join(on.folder, 'netns')
  const maker = spawn('unshare', [
    '--net',
    'sh',
    '-c',
    `touch ${path}; mount --bind /proc/self/ns/net ${path}`,
  ])
  t.equal((await once(maker, 'exit'))[0], 0)
  t.teardown(() => once(spawn('umount', [path]), 'exit'))
  const ended = await asked(on, { command: 'ADD', id: 'web-1', netns: path, ports: [31000] })
  t.equal(ended.status, 0, JSON.stringify(ended.output))
  t.match(ended.output, { interfaces: [{}, { sandbox: path }] })
  t.equal((await asked(on, { command: 'DEL', id: 'web-1', netns: path })).status, 0)
  t.equal(await daemon.end('SIGTERM'), 0)
})

t.test('an interface that comes later than the daemon', needs, async t => {
  const on = await hostOfDaemon(t)
  const { host, topology } = on
  await ipBatch(host.name, [`link set ${WIRE} name later0`])
  const daemon = startDaemon(t, on)
  t.match(await daemon.prints('no isolator yet'), { level: 40, reason: /eth0/ })
  await daemon.prints('listening')
  const add = { command: 'ADD', id: 'web-1', netns: topology.containers[0]!.path, ports: [31000] }
  t.match(await asked(on, add), {
    status: 1,
    output: { code: 11, msg: /^rtnetlinkd has no isolator: .*eth0/ },
  })
  t.match(await asked(on, { command: 'STATUS' }), { status: 1, output: { code: 50 } })
  t.match(await asked(on, { ...add, command: 'DEL' }), { status: 0 })
  t.match(await get(on, '/healthz'), { status: 503, body: /eth0/ })
  t.match((await get(on, '/metrics')).body, /^rtnetlinkd_ready 0$/m)
  await ipBatch(host.name, [
    `link set later0 down`,
    `link set later0 name ${WIRE}`,
    `link set ${WIRE} up`,
    `route replace default via ${REMOTE_IP} dev ${WIRE}`,
  ])
  await daemon.prints('isolator created')
  t.match(await asked(on, add), { status: 0 })
  t.equal(await daemon.end('SIGTERM'), 0)
})

t.test('HTTP by TCP, with a token', needs, async t => {
  const on = await hostOfDaemon(t, { containers: 1 })
  const { host, config, socket, folder } = on
  const [c1] = on.containers
  const args = ['--config', config, '--socket', socket, '--http', '0.0.0.0:9109']
  const without = startDaemon(t, on, { args })
  t.equal(await once(without.child, 'exit').then(([code]) => code as number), 1)
  t.match(without.errors(), 'Give --token-file as well')
  t.match(await PortMappingIsolator.inspect({ netns: host.name }), { prepared: false })
  const token = 'a-token-of-thirty-two-characters'
  writeFileSync(join(folder, 'token'), `${token}\n`, { mode: 0o600 })
  const daemon = startDaemon(t, on, { args: [...args, '--token-file', join(folder, 'token')] })
  t.match(await daemon.prints('listening'), { http: '0.0.0.0:9109' })
  t.match(await asked(on, { command: 'ADD', id: 'web-1', netns: c1!.path }), { status: 0 })
  const headers = { Authorization: `Bearer ${token}` }
  const here = { from: host, port: 9109 }
  t.match(await ask(here, 'GET', '/healthz', undefined, headers), { status: 200, body: '{"containers":1}' })
  t.match(await ask(here, 'GET', '/metrics', undefined, { Authorization: 'Bearer x' }), { status: 401 })
  t.match(await ask(here, 'GET', '/metrics', undefined, { ...headers, Host: 'evil.example' }), {
    status: 421,
  })
  for (const address of ['127.0.0.1', HOST_IP])
    await t.rejects(
      ask({ from: c1!, port: 9109, host: address }, 'GET', '/metrics', undefined, headers),
      { code: 'ECONNRESET' },
      'from inside a container',
    )
  t.equal(await daemon.end('SIGTERM'), 0)
  t.notMatch(JSON.stringify(daemon.lines), token)
})

t.test('one daemon at a time', needs, async t => {
  const on = await hostOfDaemon(t, { containers: 0 })
  const first = startDaemon(t, on)
  await first.prints('listening')
  const file = join(on.folder, 'file')
  writeFileSync(file, 'kept')
  const misled = startDaemon(t, on, { args: ['--config', on.config, '--socket', file] })
  t.equal(await once(misled.child, 'exit').then(([code]) => code as number), 1)
  t.match(misled.errors(), `${file} is no socket: it is left as it is`)
  t.equal(readFileSync(file, 'utf8'), 'kept')
  const second = startDaemon(t, on)
  t.equal(await once(second.child, 'exit').then(([code]) => code as number), 1)
  t.match(second.errors(), 'somebody listens on')
  await first.end('SIGKILL')
  const third = startDaemon(t, on)
  await third.prints('listening')
  t.equal(await third.end('SIGTERM'), 0)
})

t.test('a container that has ended without a DEL', needs, async t => {
  const on = await hostOfDaemon(t)
  const { config, socket, http, topology } = on
  const daemon = startDaemon(t, on, {
    args: ['--config', config, '--socket', socket, '--http', http, '--sweep', '0.4'],
  })
  await daemon.prints('listening')
  const [c1, c2] = [topology.containers[0]!, topology.containers[1]!]
  for (const [id, { path }] of [['ends', c1] as const, ['never-began', c2] as const])
    t.match(await asked(on, { command: 'ADD', id, netns: path }), { status: 0 })
  const inside = spawn('nsenter', [`--net=${c1.path}`, 'sleep', '120'])
  await sleep(1000)
  t.notOk(
    daemon.lines.some(({ level }) => level > 30),
    'it has a process',
  )
  inside.kill('SIGKILL')
  t.match(await daemon.prints('container had no process any more: cleaned up'), {
    container: 'shared:ends',
    seconds: 0.4,
  })
  t.match((await get(on, '/metrics')).body, /^rtnetlinkd_lost_containers_total\{reason="sweep"\} 1$/m)
  t.match(await get(on, '/healthz'), { body: '{"containers":1}' }, 'the other one may still begin')
  t.equal(await daemon.end('SIGTERM'), 0)
})

t.test('GC of 300 containers, beside others that stay', needs, async t => {
  const [many, staying] = [300, 5]
  const on = await hostOfDaemon(t, { containers: 0, network: { ...NETWORK, ephemeralPortsPerContainer: 16 } })
  const network = { ...NETWORK, ephemeralPortsPerContainer: 16 }
  const { publicInterface, ports, ephemeralPorts, ephemeralPortsPerContainer } = network
  const options = { publicInterface, ports, ephemeralPorts, ephemeralPortsPerContainer }
  const isolator = await PortMappingIsolator.create({ ...options, netns: on.host.name })
  const namespaces = await Promise.all(
    Array.from({ length: many + staying }, () => NetworkNamespace.create()),
  )
  const id = (i: number): string => `c${i}`
  await isolator.isolateMany(
    namespaces.map((netns, i) => ({ id: `shared:${id(i)}`, netns, ports: String(31_000 + i) })),
  )
  await isolator.close()
  for (const netns of namespaces) netns.close()
  const daemon = startDaemon(t, on)
  await daemon.prints('isolator created')
  const valid = Array.from({ length: staying }, (_, i) => ({ containerID: id(many + i), ifname: 'eth0' }))
  const collected = await asked(on, {
    command: 'GC',
    network: { ...network, 'cni.dev/valid-attachments': valid },
  })
  t.match(collected, { status: 0, output: undefined })
  const { containers, faults } = await PortMappingIsolator.inspect({ netns: on.host.name })
  t.strictSame(
    containers.map(({ id }) => id).sort(),
    valid.map(({ containerID }) => `shared:${containerID}`).sort(),
  )
  t.strictSame(faults, [])
  t.match(await get(on, '/healthz'), { body: `{"containers":${staying}}` })
  t.equal(await daemon.end('SIGTERM'), 0)
})

t.test('SIGTERM: a call that is under way ends', needs, async t => {
  const on = await hostOfDaemon(t)
  const daemon = startDaemon(t, on)
  await daemon.prints('listening')
  const ports = Array.from({ length: 200 }, (_, i) => 31_000 + 2 * i)
  const running = callDaemon(on, {
    ...{ command: 'ADD', id: 'web-1', netns: on.containers[0]!.path, ports },
  })
  while (!existsSync('/run/netns/pm1') && running.child.exitCode === null) await sleep(1)
  t.equal(await daemon.end('SIGTERM'), 0)
  t.match(await running.ended, { status: 0, output: { cniVersion: '1.1.0' } })
  t.match((await PortMappingIsolator.inspect({ netns: on.host.name })).containers, [{ id: 'shared:web-1' }])
})
