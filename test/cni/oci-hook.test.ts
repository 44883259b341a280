import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runIn } from '../helpers/iproute2.js'
import { hasQdisc } from '../helpers/privilege.js'
import { HOST_IP, REMOTE_IP } from '../helpers/topology.js'
import { needsRuntime, runtimeHost, SHARED_HOST, type Ended, type RuntimeHost } from './runtime-host.js'
import { askedBy, INET, INET6, namespaceOf, reachesAll } from './runtime-traffic.js'

const HOOK = fileURLToPath(new URL('../../cni/lib/rtnetlink-oci-hook.js', import.meta.url))

interface Bundle {
  annotations: Record<string, string>
  args: readonly string[]
}

/** A host with one of the runtimes, and hooks in each bundle. */
class OciHost {
  readonly runtime: string
  readonly machine: RuntimeHost

  constructor(runtime: string, machine: RuntimeHost, keys: object) {
    this.runtime = runtime
    this.machine = machine
    writeFileSync(
      join(machine.folder, 'network.conf'),
      JSON.stringify({ type: 'rtnetlink-cni', ...SHARED_HOST, ...keys }),
    )
  }

  command(...args: readonly string[]): readonly string[] {
    const command = [this.runtime, '--root', '/run/runtime', ...args]
    return this.runtime === 'crun' ? withoutHybridCgroups(command) : command
  }

  call(...args: readonly string[]): Promise<Ended> {
    return this.machine.attempt(this.command(...args))
  }

  bundle(id: string, { annotations, args }: Bundle): string {
    const { folder, rootfs, cgroup } = this.machine
    const path = join(folder, id)
    mkdirSync(path)
    const hook = (name: string) => ({
      path: process.execPath,
      args: ['node', HOOK, '--config', join(folder, 'network.conf'), name],
      env: [`PATH=${process.env['PATH']}`],
    })
    const config = {
      ociVersion: '1.0.2',
      process: { terminal: false, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/' },
      root: { path: rootfs },
      hostname: id,
      annotations,
      hooks: { createRuntime: [hook('createRuntime')], poststop: [hook('poststop')] },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: {
        cgroupsPath: `/${cgroup}/${id}`,
        namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map(type => ({ type })),
      },
    }
    writeFileSync(join(path, 'config.json'), JSON.stringify(config))
    return path
  }

  /** Runs a container whose `/serve` listens on a port; resolves with its first process. */
  async serve(t: Test, id: string, ports: string, annotations: Record<string, string> = {}): Promise<number> {
    const args = ['/serve', ports.split('-')[0]!]
    const bundle = this.bundle(id, { annotations: { 'rtnetlink.ports': ports, ...annotations }, args })
    const pidFile = join(bundle, 'pid')
    const log = join(bundle, 'log')
    t.teardown(() => this.call('delete', '--force', id))
    // Its standard streams become the container's.
    const { status } = await this.machine.attempt([
      ...['sh', '-c', `exec "$@" >${log} 2>&1 </dev/null`, 'sh'],
      ...this.command('run', '--detach', '--bundle', bundle, '--pid-file', pidFile, id),
    ])
    if (status !== 0) throw new Error(readFileSync(log, 'utf8'))
    return Number(readFileSync(pidFile, 'utf8'))
  }
}

/** crun refuses cgroups of both versions beside each other. */
function withoutHybridCgroups(command: readonly string[]): string[] {
  const script = 'mount --make-rprivate /sys; umount /sys/fs/cgroup/unified 2>/dev/null || true; exec "$@"'
  return ['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh', ...command]
}

for (const [runtime, ipv6] of [
  ['runc', false],
  ['crun', true],
] as const)
  t.test(`${runtime}, ipv6: ${ipv6}`, needsRuntime(runtime), async t => {
    const machine = await runtimeHost(t, { ipv6 })
    const { remote, ids } = machine
    const oci = new OciHost(runtime, machine, { ipv6 })

    t.test('run', async t => {
      const [web, other] = [await oci.serve(t, 'web', '31000-31003'), await oci.serve(t, 'other', '31008')]
      t.strictSame(await ids(), ['oci:other', 'oci:web'])
      for (const family of ipv6 ? [INET, INET6] : [INET])
        await reachesAll(
          t,
          { container: namespaceOf(web), tcp: 31000, udp: 31003 },
          { ...machine, other: namespaceOf(other) },
          family,
        )
      const { status, output } = await oci.call('delete', '--force', 'other')
      t.equal(status, 0, output)
      t.strictSame(await ids(), ['oci:web'])
    })

    t.test('limits', hasQdisc('htb'), async t => {
      const pid = await oci.serve(t, 'slow', '31016', { 'rtnetlink.egress-rate': '8000000' })
      const classes = await runIn(namespaceOf(pid).path, 'tc', 'class', 'show', 'dev', 'eth0')
      t.match(classes, /class htb 1:1 .* rate 8Mbit /)
    })

    t.test('its process is killed', async t => {
      const pid = await oci.serve(t, 'killed', '31024')
      t.equal(await askedBy(remote, HOST_IP, 31024), REMOTE_IP)
      process.kill(pid, 'SIGKILL')
      while (existsSync(`/proc/${pid}`)) await sleep(20)
      const { status, output } = await oci.call('delete', 'killed')
      t.equal(status, 0, output)
      t.notOk((await ids()).includes('oci:killed'))
    })

    t.test('a container that is refused does not start', async t => {
      const log = join(machine.folder, 'refused.log')
      writeFileSync(log, '')
      const bundle = oci.bundle('refused', {
        // runc prints what a hook prints, crun writes it here.
        annotations: { 'rtnetlink.ports': '80', 'run.oci.hooks.stderr': log },
        args: ['/bin/sh', '-c', 'echo it runs'],
      })
      const { status, output } = await oci.call('run', '--bundle', bundle, 'refused')
      t.not(status, 0)
      t.match(output + readFileSync(log, 'utf8'), /asks for 80: not among the ports 31000-31999/)
      t.notMatch(output, 'it runs')
    })

    t.test('nothing is left', async t => {
      await machine.isClear(t)
    })
  })
