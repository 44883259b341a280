import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseMesosFlags } from '../../src/isolator/mesos/flags.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { canConfine } from '../helpers/confinement.js'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import { allOf } from '../helpers/privilege.js'
import { createTopology, HOST_IP, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { ask, askedFrom, startAgent } from './agent-process.js'
import { needsIsolation } from './isolated-topology.js'

t.setTimeout(120_000)

const FLAGS = [
  '--isolation=network/port_mapping',
  '--resources=ports:[31000-32000];ephemeral_ports:[32768-57344]',
  '--ephemeral_ports_per_container=1024',
  '--network_enable_snmp_statistics',
]

/** An HTTP server; it ends by itself where a failed test leaves it behind. */
const SERVER = ['timeout', '60', process.execPath, '-e']
const PROGRAM = "require('http').createServer((_, answer) => answer.end('hello')).listen(31000)"

/** As a service manager starts a service with PrivateTmp=, ProtectSystem= or PrivateMounts=, in a mount namespace of its own. */
const inMounts = (propagation: string) => ['unshare', '--mount', '--propagation', propagation]

/** PrivateTmp=, but for a checkout that it would hide. */
const OWN_TMP = import.meta.url.startsWith('file:///tmp/') ? '' : 'mount -t tmpfs tmpfs /tmp; '

/** What the settings of examples/agent/rtnetlink-agent.service come to, but for those of cgroups and devices. */
const AS_SERVICE = [
  ...[...inMounts('slave'), 'sh', '-ec'],
  `${OWN_TMP}mount --bind -o ro /home /home; mount -o remount,bind,ro /
  if touch /usr/writable 2> /dev/null; then echo it is writable >&2; exit 1; fi; exec "$@"`,
  'service',
  ...['setpriv', '--no-new-privs', '--bounding-set=-all,+net_admin,+sys_admin,+sys_ptrace'],
]

async function hostOf(t: Test): Promise<{ topology: Topology; flags: string[]; front: string }> {
  const topology = await createTopology({ containers: 0, prefix: 'm' })
  // Of the directories of the host a service may write to, this is one.
  const workDir = mkdtempSync('/run/mounts-')
  t.teardown(async () => {
    await PortMappingIsolator.remove({ netns: topology.host.name })
    rmSync(workDir, { recursive: true, force: true })
    await topology.close()
  })
  await using netns = NetworkNamespace.open(topology.host.name)
  await netns.writeSysctl('net.ipv4.ip_local_port_range', '57345 61000')
  const socket = join(workDir, 'agent.sock')
  const front = await askedFrom(t, topology.host, socket)
  return { topology, front, flags: [...FLAGS, `--work_dir=${workDir}`, `--socket=${socket}`] }
}

/** The status of a request to the container from outside, on a connection of its own; 0 if it is not answered. */
async function statusFrom(remote: NamespaceRef): Promise<number> {
  const sent = request({
    createConnection: () => tcpSocketIn(remote).connect(31_000, HOST_IP),
    port: 31_000,
    timeout: 2000,
  })
  sent.end()
  try {
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    return response.statusCode
  } catch {
    return 0
  }
}

/** Asks the container again and again, until `stop`, which returns the statuses. */
function askAllTheTime(remote: NamespaceRef): { stop: () => Promise<number[]> } {
  const statuses: number[] = []
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      statuses.push(await statusFrom(remote))
      await sleep(20)
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await asking
      return statuses
    },
  }
}

const AGENTS: Record<string, readonly string[]> = {
  'in a mount namespace of its own, slave': inMounts('slave'),
  'in a mount namespace of its own, private': inMounts('private'),
  'in a mount namespace of its own, shared': inMounts('shared'),
  'as a service': AS_SERVICE,
}

for (const [name, confinement] of Object.entries(AGENTS)) {
  t.test(
    `an agent ${name} is killed and starts again`,
    allOf(needsIsolation(), canConfine(confinement)),
    async t => {
      const { topology, flags, front } = await hostOf(t)
      const { remote, host } = topology
      const containers = async (): Promise<{ id: string; link: string; pids: number[] }[]> =>
        JSON.parse((await ask(front, 'GET', '/containers')).body) as []

      const first = await startAgent(host, flags, confinement)
      t.teardown(() => first.end('SIGKILL'))
      const spec = { id: 'web-1', command: [...SERVER, PROGRAM], ports: '31000-31007' }
      t.equal((await ask(front, 'POST', '/containers', spec)).status, 201)
      while ((await statusFrom(remote)) === 0) await sleep(50)
      const [before] = await containers()
      const asked = askAllTheTime(remote)
      t.teardown(() => asked.stop())
      await first.end('SIGKILL')

      const second = await startAgent(host, flags, confinement)
      t.teardown(() => second.end('SIGKILL'))
      t.match(second.output(), 'recovered: web-1; ended meanwhile: none; not ours: none')
      t.strictSame(await containers(), [before], 'with its processes, which are found by the name')
      const [entry] = JSON.parse((await ask(front, 'GET', '/monitor/statistics')).body) as [
        { statistics: Record<string, unknown> },
      ]
      t.ok('net_snmp_statistics' in entry.statistics, 'its inside is read')
      // It looks twice a second whether containers have ended.
      await sleep(1200)
      const statuses = await asked.stop()
      t.ok(statuses.length > 20, `${statuses.length} requests`)
      t.strictSame([...new Set(statuses)], [200], 'it was answered all the time')

      t.equal((await ask(front, 'DELETE', '/containers/web-1')).status, 200)
      t.equal(await statusFrom(remote), 0, 'control: it has ended')
      t.strictSame(await containers(), [])
    },
  )
}

t.test('the unit of the agent', async t => {
  const unit = readFileSync(new URL('../../examples/agent/rtnetlink-agent.service', import.meta.url), 'utf8')
  const folder = mkdtempSync(join(tmpdir(), 'unit-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [program, ...flags] = /^ExecStart=([^\n\\]|\\\n|\\.)*/m
    .exec(unit)![0]
    .replaceAll('\\\n', ' ')
    .split(/\s+/)
    .slice(1)
  t.match(program, /^\/opt\/.*agent\.js$/)
  const { options, rest } = parseMesosFlags(flags.map(flag => flag.replaceAll('"', '')))
  t.match(options, { ephemeralPortsPerContainer: 1024 })
  t.equal(rest.length, 2, 'the others are flags of the agent')

  const file = join(folder, 'rtnetlink-agent.service')
  const here = unit.replace('/usr/bin/node', process.execPath)
  writeFileSync(file, here)
  const verify = () => spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
  const { error, status, stderr } = verify()
  if (error) t.pass(`systemd is not installed: ${error.message}`, { skip: 'no systemd-analyze' })
  else {
    t.equal(status, 0, stderr)
    t.equal(stderr, '')
    writeFileSync(file, here.replace('PrivateTmp=yes', 'PrivateTmp=maybe'))
    t.match(verify().stderr, /parse boolean value/, 'control')
  }
})
