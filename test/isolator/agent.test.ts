import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { tcpExchange } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { ask, askedFrom, startAgent } from './agent-process.js'
import { MONITORING, networkOnly, PORT_MAPPING, shapeOf } from './http/documents.js'
import { needsIsolation, PATIENTLY } from './isolated-topology.js'

/** The documents' command line, but for what rates need. */
const FLAGS = [
  '--isolation=network/port_mapping',
  '--resources=ports:[31000-32000];ephemeral_ports:[32768-57344]',
  '--ephemeral_ports_per_container=1024',
]
const RATE_FLAGS = ['--egress_rate_limit_per_container=37500KB', '--egress_unique_flow_per_container']

/** A TCP server that sends back what it gets; it ends by itself where a failed test leaves it behind. */
const ECHO = (port: number) => [
  ...['timeout', '120', process.execPath],
  '-e',
  `require('net').createServer(client => client.on('error', () => {}).pipe(client)).listen(${port})`,
]

/** A host as the documents want it: its own ephemeral ports are out of the way. */
async function hostOfDocuments(
  t: Test,
): Promise<{ topology: Topology; workDir: string; socket: string; front: string }> {
  const topology = await createTopology({ containers: 0, prefix: 'a' })
  const workDir = mkdtempSync(join(tmpdir(), 'agent-'))
  t.teardown(async () => {
    await clear(topology.host)
    rmSync(workDir, { recursive: true, force: true })
    await topology.close()
  })
  await using netns = NetworkNamespace.open(topology.host.name)
  await netns.writeSysctl('net.ipv4.ip_local_port_range', '57345 61000')
  const socket = join(workDir, 'agent.sock')
  return { topology, workDir, socket, front: await askedFrom(t, topology.host, socket) }
}

/** Takes away what a failed test leaves behind. */
async function clear(host: NamespaceRef): Promise<void> {
  const isolator = await PortMappingIsolator.create({
    netns: host.name,
    publicInterface: 'eth0',
    ephemeralPorts: '32768-57344',
  })
  await isolator.destroy()
}

/** False for a zombie too, which whoever is process 1 here may not reap: it has no namespaces any more. */
function runs(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== ''
  } catch {
    return false
  }
}

interface Container {
  id: string
  link: string
  given: { ports: [number, number][]; ephemeralPorts: [number, number] }
  pids: number[]
}

async function containersOf(front: string): Promise<Container[]> {
  return JSON.parse((await ask(front, 'GET', '/containers')).body) as Container[]
}

/** Waits for a program in a container to answer. */
async function answers(remote: NamespaceRef, port: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    const { outcome, answer } = await tcpExchange(remote, HOST_IP, port, Buffer.from('hello'), PATIENTLY)
    if (outcome === 'connected' && answer.toString() === 'hello') return true
    await sleep(100)
  }
  return false
}

/** Waits until the agent has noticed which containers there are. */
async function waitForIds(front: string, ids: string[]): Promise<string[]> {
  let found: string[] = []
  for (let i = 0; i < 100; i++) {
    found = (await containersOf(front)).map(({ id }) => id)
    if (found.join() === ids.join()) break
    await sleep(100)
  }
  return found
}

async function statisticsOf(front: string): Promise<Record<string, unknown>[]> {
  const { status, body } = await ask(front, 'GET', '/monitor/statistics')
  t.equal(status, 200)
  return JSON.parse(body) as Record<string, unknown>[]
}

t.test('containers on request, statistics, and a SIGKILL', needsIsolation(), async t => {
  const { topology, workDir, socket, front } = await hostOfDocuments(t)
  const { remote, host } = topology
  const flags = [
    ...FLAGS,
    `--work_dir=${workDir}`,
    `--socket=${socket}`,
    '--checkpoint',
    '--log_dir=/var/log/mesos',
  ]
  const first = await startAgent(host, flags)
  t.teardown(() => first.end('SIGKILL'))
  t.match(first.output(), /not for this agent: --checkpoint --log_dir\n/)
  t.match(first.output(), `listening on ${socket}`)
  t.equal(statSync(socket).mode & 0o777, 0o600, 'only root may open it')

  const spec = { id: 'web-1', command: ECHO(31000), ports: '31000-31007', executor_name: 'web', cpus: 0.5 }
  const made = await ask(front, 'POST', '/containers', spec)
  t.equal(made.status, 201, made.body)
  t.match(JSON.parse(made.body), {
    ...{
      id: 'web-1',
      executor_name: 'web',
      given: { ports: [[31000, 31007]], ephemeralPorts: [32768, 33791] },
    },
  })
  const brief = {
    id: 'brief',
    command: 'echo out; echo err >&2; sleep 120',
    ports: '31008-31015',
  }
  t.equal((await ask(front, 'POST', '/containers', brief)).status, 201)
  t.ok(await answers(remote, 31000), 'it is reached from outside by the shared address')
  const output = (): string => readFileSync(join(workDir, 'sandboxes', brief.id, 'stdout'), 'utf8')
  for (let tries = 0; output() === '' && tries < 200; tries++) await sleep(25)
  t.equal(output(), 'out\n')

  await t.test('statistics as in the document', async t => {
    const [entry, other] = await statisticsOf(front)
    t.match(shapeOf(entry), shapeOf(networkOnly(MONITORING)))
    t.match(entry, { executor_id: 'web-1', executor_name: 'web', statistics: { cpus_limit: 0.5 } })
    t.match(other, { executor_id: brief.id, source: brief.id })
    const { net_rx_packets: received } = entry!['statistics'] as Record<string, number>
    t.ok(received! > 0, 'what was sent is counted')
  })

  await t.test('requests that are refused', async t => {
    const refused: [
      status: number,
      message: RegExp,
      ...request: Parameters<typeof ask> extends [unknown, ...infer R] ? R : never,
    ][] = [
      [409, /ERR_CONTAINER_EXISTS/, 'POST', '/containers', spec],
      [409, /ERR_PORTS_OVERLAP/, 'POST', '/containers', { ...spec, id: 'x' }],
      [400, /ERR_PORTS_UNMANAGED/, 'POST', '/containers', { ...spec, id: 'x', ports: '80' }],
      [400, /ERR_INVALID_OPTION/, 'POST', '/containers', { ...spec, id: 'x', ports: '31100-31000' }],
      [400, /id cannot be/, 'POST', '/containers', { ...spec, id: '../x' }],
      [400, /command is missing/, 'POST', '/containers', { id: 'x' }],
      [400, /unknown: image/, 'POST', '/containers', { ...spec, image: 'x' }],
      [400, /cpus cannot be/, 'POST', '/containers', { ...spec, cpus: '1' }],
      [415, /Content-Type/, 'POST', '/containers', spec, { 'Content-Type': 'text/plain' }],
      [404, /is not here/, 'DELETE', '/containers/x'],
      [404, /is not here/, 'GET', '/containers/x'],
      [404, /no PUT/, 'PUT', '/containers'],
      [405, /use GET/, 'POST', '/monitor/statistics', {}],
    ]
    for (const [status, message, ...request] of refused) {
      const answer = await ask(front, ...request)
      t.equal(answer.status, status, answer.body)
      t.match(answer.body, message)
    }
    t.strictSame(
      (await containersOf(front)).map(({ id }) => id),
      ['web-1', brief.id],
      'nothing of them stays',
    )
  })

  await t.test('web pages and other names are refused', async t => {
    const json = { 'Content-Type': 'application/json' }
    const refused: [status: number, headers: Record<string, string>][] = [
      [403, { Origin: 'http://evil.example' }],
      [403, { Origin: 'null' }],
      [403, { 'Sec-Fetch-Site': 'cross-site' }],
      [403, { 'Sec-Fetch-Mode': 'no-cors' }],
      [421, { Host: 'evil.example' }],
      [421, { Host: 'localhost.evil.example' }],
    ]
    for (const [status, headers] of refused) {
      for (const [method, path] of [
        ['GET', '/containers'],
        ['GET', '/monitor/statistics'],
        ['GET', '/metrics'],
        ['POST', '/containers'],
        ['DELETE', `/containers/${brief.id}`],
      ] as const) {
        const answer = await ask(front, method, path, undefined, { ...json, ...headers })
        t.equal(answer.status, status, `${method} ${path} ${JSON.stringify(headers)}`)
      }
    }
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json-x'])
      t.equal((await ask(front, 'POST', '/containers', spec, { 'Content-Type': type })).status, 415, type)
    t.equal((await ask(front, 'GET', '/containers', undefined, { Host: 'LocalHost' })).status, 200)
  })

  await t.test('too much of anything', async t => {
    const large = await ask(front, 'POST', '/containers', { ...spec, id: 'x', source: 'x'.repeat(70_000) })
    t.equal(large.status, 413)
    t.equal((await ask(front, 'GET', '/containers', undefined, { 'X-Long': 'x'.repeat(9000) })).status, 431)
    const slow = connect(front)
    slow.on('error', () => undefined).write('GET /containers HTTP/1.1\r\nHost: loc')
    const started = Date.now()
    await once(slow.resume(), 'close')
    t.ok(Date.now() - started < 9000, 'a header that does not end is not waited for')
    const many = Array.from({ length: 80 }, () => connect(front).on('error', () => undefined))
    await sleep(300)
    t.equal(many.filter(({ destroyed }) => !destroyed).length <= 64, true, 'connections have a limit')
    for (const one of many) one.destroy()
    await sleep(100)
    t.equal((await ask(front, 'GET', '/containers')).status, 200)
  })

  await t.test('a container is not answered', async t => {
    const [{ link } = { link: '' }] = await containersOf(front)
    const script = `
      const request = require('http').request({ socketPath: ${JSON.stringify(socket)}, path: '/containers' })
      request.on('response', ({ statusCode }) => console.log(statusCode)).on('error', () => console.log('closed')).end()`
    const from = (...enter: string[]) =>
      execFileSync(enter[0] ?? '', [...enter.slice(1), process.execPath, '-e', script], {
        encoding: 'utf8',
      }).trim()
    t.equal(from('nsenter', `--net=${host.path}`), '200', 'the host is')
    t.equal(from('nsenter', `--net=/run/netns/${link}`), 'closed')
  })

  await t.test('what a container prints has a limit', async t => {
    const noisy = { id: 'noisy', command: 'yes | head -c 30000000; echo done > finished; sleep 120' }
    t.equal((await ask(front, 'POST', '/containers', noisy)).status, 201)
    const folder = join(workDir, 'sandboxes', noisy.id)
    for (let i = 0; i < 200 && !existsSync(join(folder, 'finished')); i++) await sleep(100)
    t.ok(existsSync(join(folder, 'finished')), 'it does not wait for a reader')
    t.equal(statSync(join(folder, 'stdout')).size, 20_480 * 512)
    t.equal((await ask(front, 'DELETE', '/containers/noisy')).status, 200)
  })

  await t.test('metrics', async t => {
    const { status, body } = await ask(front, 'GET', '/metrics')
    t.equal(status, 200)
    t.match(body, /^rtnetlink_container_net_rx_bytes_total\{id="web-1"\} [1-9]/m)
    t.equal((await ask(front, 'GET', '/metrics')).body.split('\n').length, body.split('\n').length)
    const {
      status: code,
      error,
      stdout,
      stderr,
    } = spawnSync('promtool', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    })
    if (error)
      t.pass(`promtool is not installed: ${error.message}`, { skip: 'no promtool (Debian: prometheus)' })
    else t.equal(code, 0, `promtool: ${stdout}${stderr}`)
  })

  const before = await containersOf(front)
  const [counted] = await statisticsOf(front)
  t.equal(await first.end('SIGKILL'), null)
  t.ok(await answers(remote, 31000), 'without an agent it goes on')
  for (const pid of before[1]!.pids) process.kill(pid, 'SIGKILL')

  const mistaken = await startAgent(host, [
    ...FLAGS,
    `--work_dir=${join(workDir, 'other')}`,
    `--socket=${socket}`,
  ])
  t.teardown(() => mistaken.end('SIGKILL'))
  t.match(mistaken.output(), `recovered: none; ended meanwhile: none; not ours: web-1, ${brief.id}`)
  t.strictSame(await containersOf(front), [])
  t.equal((await ask(front, 'POST', '/containers', spec)).status, 409, 'the id is taken')
  t.equal((await ask(front, 'DELETE', '/containers/web-1')).status, 404, 'nor does it end them')
  t.equal(await mistaken.end('SIGTERM'), 0)
  t.ok(await answers(remote, 31000), 'an agent with another --work_dir leaves containers alone')

  const second = await startAgent(host, flags)
  t.teardown(() => second.end('SIGKILL'))
  t.match(second.output(), `recovered: web-1; ended meanwhile: ${brief.id}; not ours: none`)
  t.ok(await answers(remote, 31000), 'with the next one too')
  t.strictSame(await containersOf(front), [before[0]], 'same ports, link and processes')
  for (const pid of before[0]!.pids) t.ok(runs(pid))
  const [later] = await statisticsOf(front)
  t.match(later, { executor_name: 'web', statistics: { cpus_limit: 0.5 } })
  const packets = (entry: Record<string, unknown> | undefined): number =>
    (entry?.['statistics'] as Record<string, number>)['net_rx_packets']!
  t.ok(packets(later) > packets(counted), 'counted on')

  t.equal((await ask(front, 'POST', '/containers', { ...spec, id: 'web-2', ports: '31008' })).status, 201)
  t.match((await ask(front, 'DELETE', '/containers/web-1')).body, 'web-1')
  t.strictSame(await waitForIds(front, ['web-2']), ['web-2'])
  for (const pid of before[0]!.pids) t.notOk(runs(pid), 'its processes have ended')
  // On a slow machine some of its processes have not entered its namespace yet.
  for (let tries = 0; tries < 100; tries++) {
    const [left] = await containersOf(front)
    if (!left) break
    for (const pid of left.pids) if (runs(pid)) process.kill(pid, 'SIGKILL')
    await sleep(50)
  }
  t.strictSame(await waitForIds(front, []), [], 'a container whose processes have ended is cleaned up')
  t.equal(await second.end('SIGTERM'), 0)
})

t.test(
  "the documents' command line and its JSON",
  allOf(needsIsolation(), hasQdisc('htb'), hasQdisc('fq_codel')),
  async t => {
    const { topology, workDir, socket, front } = await hostOfDocuments(t)
    const { remote, host } = topology
    const agent = await startAgent(host, [
      ...FLAGS,
      ...RATE_FLAGS,
      `--work_dir=${workDir}`,
      `--socket=${socket}`,
    ])
    t.teardown(() => agent.end('SIGKILL'))
    t.equal(
      (await ask(front, 'POST', '/containers', { id: 'web-1', command: ECHO(31000), ports: '31000' })).status,
      201,
    )
    t.ok(await answers(remote, 31000))
    const [entry] = await statisticsOf(front)
    t.match(shapeOf(entry), shapeOf(networkOnly(PORT_MAPPING)))
    t.match(entry, {
      statistics: { net_traffic_control_statistics: [{ id: 'bw_limit' }, { id: 'bloat_reduction' }] },
    })
    t.match(
      (await ask(front, 'GET', '/metrics')).body,
      /^rtnetlink_container_net_traffic_control_bytes_total\{id="web-1",queue="bw_limit"\} [1-9]/m,
    )
    t.equal((await ask(front, 'DELETE', '/containers/web-1')).status, 200)
    t.equal(await agent.end('SIGTERM'), 0)
  },
)

t.test('what the agent cannot start with', needsIsolation(), async t => {
  const { topology } = await hostOfDocuments(t)
  const cases: [flags: string[], message: RegExp][] = [
    [FLAGS.slice(1), /expected --isolation=network\/port_mapping/],
    [
      ['--isolation=network/port_mapping', '--resources=ports:[31000-32000]'],
      /--resources: there is no ephemeral_ports/,
    ],
    [[...FLAGS, '--eth0_name=eth7'], /'eth7': expected the name of an interface/],
  ]
  for (const [flags, message] of cases) await t.rejects(startAgent(topology.host, flags), { message })
})

t.test('by TCP, with a token', needsIsolation(), async t => {
  const { topology, workDir } = await hostOfDocuments(t)
  const { host } = topology
  const tokenFile = join(workDir, 'token')
  const token = 'a-token-of-thirty-two-characters'
  writeFileSync(tokenFile, `${token}\n`)
  const base = [...FLAGS, `--work_dir=${workDir}`, '--port=5051']
  await t.rejects(startAgent(host, base), { message: /Give --token_file/ })
  const agent = await startAgent(host, [...base, `--token_file=${tokenFile}`, '--ip=0.0.0.0'])
  t.teardown(() => agent.end('SIGKILL'))
  const here = { from: host, port: 5051 }
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  t.equal((await ask(here, 'GET', '/containers', undefined, headers)).status, 200)
  t.equal((await ask(here, 'GET', '/containers')).status, 401)
  t.equal((await ask(here, 'GET', '/metrics', undefined, { Authorization: 'Bearer x' })).status, 401)
  t.equal(
    (await ask(here, 'GET', '/containers', undefined, { ...headers, Host: 'evil.example:5051' })).status,
    421,
  )
  const web = { id: 'web-1', command: 'sleep 120', ports: '31000' }
  const made = await ask(here, 'POST', '/containers', web, headers)
  t.equal(made.status, 201, made.body)
  const { link } = JSON.parse(made.body) as Container
  const inside = { name: link, path: `/run/netns/${link}` }
  for (const to of [
    { host: '127.0.0.1' },
    { host: HOST_IP },
    { host: '127.0.0.1', localAddress: HOST_IP },
    { host: HOST_IP, localAddress: '127.0.0.1' },
  ])
    for (const path of ['/containers', '/metrics', '/monitor/statistics'])
      await t.rejects(
        ask({ from: inside, port: 5051, ...to }, 'GET', path, undefined, headers),
        { code: 'ECONNRESET' },
        JSON.stringify(to),
      )
  t.equal((await ask(here, 'DELETE', '/containers/web-1', undefined, headers)).status, 200)
  t.equal(await agent.end('SIGTERM'), 0)
})
