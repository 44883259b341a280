/**
 * Isolates one process behind an interface of this machine, and takes everything back when it ends. Needs root.
 *
 *     npm run example -- single-container eth0                     a shell command in a namespace of its own
 *     npm run example -- single-container eth0 -- python3 -m http.server 31000
 *     npm run example -- single-container eth0 --runc              a busybox container under runc
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NetworkNamespace, PortMappingIsolator } from 'rtnetlink'

const PORTS = '31000-31007'
const [publicInterface, ...rest] = process.argv.slice(2)
if (publicInterface === undefined)
  throw new Error('which interface? npm run example -- single-container eth0')
const command =
  rest[0] === '--' ? rest.slice(1) : ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_local_port_range; ip addr']

// The command gets the signal, by the terminal or by us; what was made here goes when it has ended.
let child: ChildProcess | undefined
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true
    child?.kill(signal)
  })
}

const host = NetworkNamespace.current()
const range = await host.readSysctl('net.ipv4.ip_local_port_range')
const isolator = await PortMappingIsolator.create({
  publicInterface,
  ports: PORTS,
  ephemeralPorts: outside(range),
  ephemeralPortsPerContainer: 256,
})
let netns: NetworkNamespace | undefined
try {
  netns = await NetworkNamespace.create('single-container')
  const info = await isolator.isolate('single', { netns, ports: PORTS })
  console.log(
    `ports ${PORTS} and ${info.ephemeralPorts.join('-')} of ${publicInterface} are the container's; its link is ${info.link}`,
  )
  if (!stopped) {
    child = rest[0] === '--runc' ? runc(netns) : run(netns, command)
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    const { net_rx_bytes: received } = await isolator.usage('single')
    console.log(`it ended with ${code ?? signal}; it received ${received} bytes`)
  }
} finally {
  await isolator.destroy()
  await netns?.delete()
  host.close()
}

/** 4096 ports that the host does not use for its own connections. */
function outside(range: string): string {
  const [first = 32768] = range.split(/\s+/).map(Number)
  return first > 20000 ? '16384-20479' : '60000-64095'
}

function run(netns: NetworkNamespace, [program = 'sh', ...args]: string[]): ChildProcess {
  return spawn('nsenter', [`--net=/run/netns/${netns.name}`, program, ...args], { stdio: 'inherit' })
}

/** A container made of nothing but busybox, joined to the namespace as an OCI runtime does it. */
function runc(netns: NetworkNamespace): ChildProcess {
  for (const needed of ['runc', 'busybox']) {
    if (spawnSync('which', [needed]).status !== 0)
      throw new Error(`${needed} is not installed (Debian: runc, busybox-static)`)
  }
  const bundle = mkdtempSync(join(tmpdir(), 'single-container-'))
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  for (const folder of ['proc', 'sys']) mkdirSync(join(bundle, 'rootfs', folder))
  cpSync(spawnSync('which', ['busybox']).stdout.toString().trim(), join(bundle, 'rootfs/bin/busybox'), {
    dereference: true,
  })
  spawnSync('runc', ['spec'], { cwd: bundle })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config(netns)))
  const child = spawn('runc', ['run', '--bundle', bundle, `single-${process.pid}`], { stdio: 'inherit' })
  child.once('exit', () => {
    rmSync(bundle, { recursive: true, force: true })
  })
  return child
}

/** The parts of an OCI runtime configuration that this needs. */
function config(netns: NetworkNamespace): object {
  const script = '/bin/busybox ip addr; /bin/busybox cat /proc/sys/net/ipv4/ip_local_port_range'
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: true },
    process: {
      cwd: '/',
      args: ['/bin/busybox', 'sh', '-c', script],
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'network', path: `/run/netns/${netns.name}` },
      ],
    },
  }
}
