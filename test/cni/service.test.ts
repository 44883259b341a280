import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readCommandLine } from '../../cni/src/daemon/command-line.js'
import { canConfine } from '../helpers/confinement.js'
import { allOf } from '../helpers/privilege.js'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { hasClient } from './client-process.js'
import { asked, buildDaemon, get, hostOfDaemon, ROOT, startDaemon } from './daemon-process.js'

t.setTimeout(180_000)
buildDaemon()
const needs = allOf(needsIsolation(), hasClient())
const UNITS = `${ROOT}cni/systemd/`
const unit = readFileSync(`${UNITS}rtnetlinkd.service`, 'utf8')
const valueOf = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

t.test('the units', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const [node, program, ...args] = valueOf('ExecStart').split(' ')
  t.equal(node, '/usr/bin/node')
  t.match(program, /\/rtnetlink-cni\/lib\/rtnetlinkd\.js$/)
  t.match(readCommandLine(args), { http: '/run/rtnetlink/http.sock' })

  copyFileSync(`${UNITS}rtnetlinkd.socket`, join(folder, 'rtnetlinkd.socket'))
  const file = join(folder, 'rtnetlinkd.service')
  const here = unit.replace('/usr/bin/node', process.execPath)
  writeFileSync(file, here)
  const verify = () =>
    spawnSync('systemd-analyze', ['verify', file, join(folder, 'rtnetlinkd.socket')], { encoding: 'utf8' })
  const { error, status, stderr } = verify()
  if (error) return t.pass(`systemd is not installed: ${error.message}`, { skip: 'no systemd-analyze' })
  t.strictSame({ status, stderr }, { status: 0, stderr: '' })
  writeFileSync(file, here.replace('NoNewPrivileges=yes', 'NoNewPrivileges=maybe'))
  t.match(verify().stderr, /parse boolean value/, 'control')
})

t.test('the unit gives no mount namespace: names in /run/netns are to be seen on the host', async t => {
  // exec_needs_mount_namespace, src/core/execute.c of systemd
  const makeOne =
    /^(Private(Tmp|Devices|Mounts|IPC)|Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Clock|Hostname|Proc)|(ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)Paths|Bind\w*Paths|Temporary\w*|MountFlags|Root\w+|ProcSubset|DynamicUser)=/m
  t.notMatch(unit, makeOne)
  t.match('ProtectSystem=strict', makeOne, 'control')
})

const capabilities = valueOf('CapabilityBoundingSet')
  .split(' ')
  .map(name => `+${name.replace('CAP_', '').toLowerCase()}`)
const AS_SERVICE = ['setpriv', '--no-new-privs', `--bounding-set=-all,${capabilities.join(',')}`]

t.test('with the rights of the unit', allOf(needs, canConfine(AS_SERVICE)), async t => {
  t.strictSame(capabilities, ['+net_admin', '+sys_admin', '+sys_ptrace'])
  const on = await hostOfDaemon(t)
  const add = { command: 'ADD', id: 'web-1', netns: on.containers[0]!.path, ports: [31000] }
  const first = startDaemon(t, on, { command: AS_SERVICE })
  await first.prints('isolator created')
  t.match(await asked(on, add), { status: 0 })
  await first.end('SIGKILL')
  const second = startDaemon(t, on, { command: AS_SERVICE })
  t.match(await second.prints('isolator created'), { containers: 1 })
  t.match(await asked(on, { ...add, command: 'CHECK' }), { status: 0 })
  t.match((await get(on, '/metrics')).body, 'rtnetlink_container_net_rx_bytes_total{id="shared:web-1"}')
  t.match(await asked(on, { ...add, command: 'DEL' }), { status: 0 })
  t.equal(await second.end('SIGTERM'), 0)
  t.strictSame(
    second.lines.filter(({ level }) => level > 30),
    [],
  )
})

/** The system calls of a set that systemd knows, sets in it included. */
function callsOf(set: string): string[] {
  const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' })
  const words = stdout
    .split('\n')
    .slice(1)
    .map(line => line.trim())
  return words
    .filter(word => word !== '' && !word.startsWith('#'))
    .flatMap(word => (word.startsWith('@') ? callsOf(word) : [word]))
}

const hasPrograms = (...names: string[]) => {
  const lacking = names.find(name => spawnSync(name, ['--version']).status !== 0)
  return { skip: lacking === undefined ? (false as const) : `no ${lacking}` }
}

t.test(
  'the system calls that the unit allows are enough',
  allOf(needs, hasPrograms('strace', 'systemd-analyze')),
  async t => {
    const sets = valueOf('SystemCallFilter').split(' ')
    const allowed = new Set(sets.flatMap(callsOf))
    t.ok(allowed.has('setns') && allowed.has('mount'), `${allowed.size} calls`)
    const on = await hostOfDaemon(t)
    const summary = join(on.folder, 'calls')
    const daemon = startDaemon(t, on, { command: ['strace', '-f', '-c', '-o', summary, '--'] })
    await daemon.prints('isolator created')
    const add = { command: 'ADD', id: 'web-1', netns: on.containers[0]!.path, ports: [31000] }
    for (const command of ['ADD', 'CHECK', 'DEL'])
      t.match(await asked(on, { ...add, command }), { status: 0 })
    t.equal((await get(on, '/metrics')).status, 200)
    // strace ends with what it follows, and passes no signal on.
    const [pid] = readFileSync(`/proc/${daemon.child.pid}/task/${daemon.child.pid}/children`, 'utf8').split(
      ' ',
    )
    process.kill(Number(pid), 'SIGTERM')
    await daemon.end('SIGCONT')
    const used = Array.from(
      readFileSync(summary, 'utf8').matchAll(/^ *[\d.]+ .* ([a-z_]\w*)$/gm),
      ([, name]) => name!,
    )
    t.ok(used.includes('setns'), `${used.length} are used`)
    t.strictSame(
      used.filter(name => name !== 'total' && name !== 'execve' && !allowed.has(name)),
      [],
    )
  },
)

const MANAGER = fileURLToPath(new URL('service-manager.py', import.meta.url))

for (const notify of ['path', 'abstract name']) {
  t.test(`sockets of a service manager, which is told by ${notify} how the daemon fares`, needs, async t => {
    const on = await hostOfDaemon(t)
    const where = notify === 'path' ? join(on.folder, 'notify') : `@${on.folder}/notify`
    const manager = startDaemon(t, on, {
      command: ['python3', MANAGER, on.socket, on.http, where],
      args: ['--config', on.config, '--http', '/nonexistent/ignored', '--socket', '/nonexistent/ignored'],
    })
    while (spawnSync('test', ['-S', on.socket]).status !== 0) await sleep(20)
    const add = { command: 'ADD', id: 'web-1', netns: on.containers[0]!.path, ports: [31000] }
    t.match(await asked(on, add), { status: 0 }, 'a call that comes before the daemon is there waits for it')
    t.match(await manager.prints('READY=1'), { text: /^READY=1\nSTATUS=ready/ })
    await manager.prints('WATCHDOG=1')
    t.equal((await get(on, '/healthz')).status, 200)

    for (let i = 0; i < 3; i++) {
      manager.child.kill('SIGUSR1')
      const ended = await asked(on, { ...add, command: 'CHECK' })
      // The call may have reached the daemon that is killed.
      if (ended.status === 0) t.strictSame(ended.output, undefined)
      else t.match(ended.output, { code: 11, msg: 'rtnetlinkd ended during this call: call again' })
    }
    t.match(await asked(on, { ...add, command: 'CHECK' }), { status: 0 }, 'containers stay')
    t.equal(await manager.end('SIGTERM'), 0)
    t.match(
      manager.lines.findLast(({ level }) => level === 10),
      { msg: 'STOPPING=1' },
    )
    t.strictSame(
      manager.lines.filter(({ msg }) => msg === 'sending to the service manager failed'),
      [],
    )
    t.ok(spawnSync('test', ['-S', on.socket]).status === 0, 'the sockets are not ours to remove')
  })
}

t.test('a service manager that is gone', needs, async t => {
  const on = await hostOfDaemon(t, { containers: 0 })
  const daemon = startDaemon(t, on, { environment: { NOTIFY_SOCKET: '/nonexistent', WATCHDOG_USEC: 'x' } })
  t.match(await daemon.prints('sending to the service manager failed'), { level: 40, reason: /ENOENT/ })
  t.match(await asked(on, { command: 'STATUS' }), { status: 0 })
  t.equal(await daemon.end('SIGTERM'), 0)
})
