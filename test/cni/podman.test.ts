import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HOST_IP, REMOTE_IP } from '../helpers/topology.js'
import { HOST_IP6, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { needsRuntime, runtimeHost, SHARED_HOST, type Ended, type RuntimeHost } from './runtime-host.js'
import { askedBy, INET, INET6, namespaceOf, reachesAll } from './runtime-traffic.js'

interface Podman extends RuntimeHost {
  podman: (...args: readonly string[]) => Promise<Ended>
  /** Runs a container whose `/serve` listens on the first of its ports; resolves with its first process. */
  serve: (name: string, ports: string, ...args: readonly string[]) => Promise<number>
}

/** `hostSockets`: podman holds published ports in conmon, and gives them to the plug-in again when it reloads. */
const network = (name: string, keys: object) => ({
  cniVersion: '1.0.0',
  name,
  plugins: [
    {
      type: 'rtnetlink-cni',
      ...SHARED_HOST,
      ...keys,
      hostSockets: 'ignore',
      capabilities: { portMappings: true, bandwidth: true, ips: true },
    },
  ],
})

/** ulimits: podman asks for more than it may where it has no CAP_SYS_RESOURCE. */
const containersConf = ({ folder, plugins, cgroup }: RuntimeHost): string => `
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
static_dir = "${folder}/libpod"
tmp_dir = "/run/libpod"
volume_path = "${folder}/volumes"
[network]
network_backend = "cni"
network_config_dir = "${folder}/networks"
cni_plugin_dirs = ["${plugins}"]
default_network = "shared"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
cgroup_parent = "/${cgroup}"
log_driver = "none"
`

const storageConf = ({ folder }: RuntimeHost): string => `
[storage]
driver = "vfs"
graphroot = "${folder}/storage"
runroot = "/run/storage"
`

async function podmanHost(t: Test, { ipv6 = false } = {}): Promise<Podman> {
  const host = await runtimeHost(t, { ownFolders: ['/var/lib/cni'], ipv6 })
  const { folder, rootfs, cgroup, attempt } = host
  mkdirSync(join(folder, 'networks'))
  for (const name of ['shared', 'second'])
    writeFileSync(join(folder, `networks/${name}.conflist`), JSON.stringify(network(name, { ipv6 })))
  writeFileSync(join(folder, 'containers.conf'), containersConf(host))
  writeFileSync(join(folder, 'storage.conf'), storageConf(host))
  const env = {
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
  }
  const podman = (...args: readonly string[]): Promise<Ended> => attempt(['podman', ...args], { env })
  const pid = async (name: string): Promise<number> => {
    const { output } = await podman('inspect', '--format', '{{.State.Pid}}', name)
    return Number(output)
  }
  const serve = async (name: string, ports: string, ...args: readonly string[]): Promise<number> => {
    const { status, output } = await podman(
      ...['run', '--detach', `--name=${name}`, `--cgroup-parent=/${cgroup}`, '--network=shared'],
      ...['--publish', `${ports}:${ports}`, ...args, '--rootfs', rootfs, '/serve', ports.split('-')[0]!],
    )
    if (status !== 0) throw new Error(output)
    return pid(name)
  }
  t.teardown(() => podman('rm', '--all', '--force', '--time=0'))
  return { ...host, podman, serve }
}

t.test('podman', needsRuntime('podman', 'runc', 'conmon'), async t => {
  const machine = await podmanHost(t)
  const { remote, rootfs, podman, serve, ids } = machine

  t.test('run -p', async t => {
    const [web, other] = [await serve('web', '31000-31003'), await serve('other', '31008')]
    await reachesAll(
      t,
      { container: namespaceOf(web), tcp: 31000, udp: 31003 },
      { ...machine, other: namespaceOf(other) },
    )
    t.equal((await ids()).length, 2)
  })

  for (const command of ['network reload web', 'restart --time=0 web', 'stop --time=0 web', 'start web'])
    t.test(command, async t => {
      const { status, output } = await podman(...command.split(' '))
      t.equal(status, 0, output)
      if (command.startsWith('stop')) return
      t.equal(await askedBy(remote, HOST_IP, 31000), REMOTE_IP)
    })

  t.test('conmon is killed', async t => {
    const { output } = await podman('inspect', '--format', '{{.State.ConmonPid}}', 'web')
    process.kill(Number(output), 'SIGKILL')
    t.equal(await askedBy(remote, HOST_IP, 31000), REMOTE_IP, 'the container goes on')
    const removed = await podman('rm', '--force', '--time=0', 'web')
    t.equal(removed.status, 0, removed.output)
    t.equal((await ids()).length, 1, 'it is gone')
  })

  t.test('network connect, refused; and disconnect', async t => {
    const { status, output } = await podman('network', 'connect', 'second', 'other')
    t.not(status, 0)
    t.match(output, /the container is in network 'shared' already, by its interface eth0, /)
    const after = await podman('network', 'disconnect', '--force', 'second', 'other')
    t.equal(after.status, 0, after.output)
    t.equal(await askedBy(remote, HOST_IP, 31008), REMOTE_IP, 'it is where it was')
  })

  t.test('--uidmap', async t => {
    const pid = await serve('mapped', '31016', '--uidmap=0:100000:5000')
    t.equal(await askedBy(remote, HOST_IP, 31016), REMOTE_IP)
    t.match(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), /^ +0 +100000 +5000$/m)
  })

  t.test('another port inside', async t => {
    const { status, output } = await podman(
      ...['run', '--rm', '--network=shared', '--publish=31024:80', '--rootfs', rootfs],
      ...['/bin/sh', '-c', 'echo it runs'],
    )
    t.not(status, 0)
    t.match(output, /hostPort 31024 and containerPort 80 differ/)
    t.notMatch(output, 'it runs')
  })

  // podman passes the address alone, without the ports, where a network does not declare `ips`.
  t.test('the shared address, asked for', async t => {
    await serve('static', '31032', `--ip=${HOST_IP}`)
    t.equal(await askedBy(remote, HOST_IP, 31032), REMOTE_IP)
  })

  t.test('nothing is left', async t => {
    const { status, output } = await podman('rm', '--all', '--force', '--time=0')
    t.equal(status, 0, output)
    await machine.isClear(t)
  })
})

t.test('podman with both families', needsRuntime('podman', 'runc', 'conmon'), async t => {
  const machine = await podmanHost(t, { ipv6: true })
  const { remote, podman, serve } = machine

  t.test('run -p', async t => {
    const [web, other] = [await serve('web', '31000-31003'), await serve('other', '31008')]
    for (const family of [INET, INET6])
      await reachesAll(
        t,
        { container: namespaceOf(web), tcp: 31000, udp: 31003 },
        { ...machine, other: namespaceOf(other) },
        family,
      )
  })

  t.test('podman inspect shows both addresses', async t => {
    const { output } = await podman('inspect', '--format', '{{json .NetworkSettings.Networks.shared}}', 'web')
    t.match(JSON.parse(output), {
      ...{ IPAddress: HOST_IP, IPPrefixLen: 24, Gateway: REMOTE_IP },
      ...{ GlobalIPv6Address: HOST_IP6, GlobalIPv6PrefixLen: 128, IPv6Gateway: REMOTE_LINK_LOCAL },
    })
  })

  t.test('a shared IPv6 address, asked for', async t => {
    await serve('static', '31016', `--ip6=${HOST_IP6}`)
    t.equal(await askedBy(remote, HOST_IP6, 31016), REMOTE_IP6)
    const { status, output } = await podman(
      ...['run', '--rm', '--network=shared', '--ip6=2001:db8:9::77', '--rootfs', machine.rootfs, '/bin/sh'],
    )
    t.not(status, 0)
    t.match(output, /2001:db8:9::77.* cannot be had: .*10\.9\.0\.2, 2001:db8:9::2/)
  })

  t.test('nothing is left', async t => {
    const { status, output } = await podman('rm', '--all', '--force', '--time=0')
    t.equal(status, 0, output)
    await machine.isClear(t)
  })
})
