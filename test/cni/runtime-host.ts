import {
  execFileSync,
  spawn,
  spawnSync,
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
} from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { expectSame, snapshot } from '../helpers/leaks.js'
import { ip, ipBatch, ipJson } from '../helpers/iproute2.js'
import { allOf, type Skip } from '../helpers/privilege.js'
import { createTopology, HOST_MAC, type NamespaceRef } from '../helpers/topology.js'
import { HOST_LINES, REMOTE_LINES } from '../isolator/inet6-topology.js'
import { needsIsolation } from '../isolator/isolated-topology.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WHOLE_MACHINE = /^\s*0\s+0\s+4294967295\s*$/m

/** The keys of a network that say how the host's ports are shared. */
export const SHARED_HOST = {
  publicInterface: 'eth0',
  ports: '31000-31999',
  ephemeralPorts: '20480-28671',
  ephemeralPortsPerContainer: 64,
  bloatReduction: 'none',
} as const

/** What a container runtime needs beside what containers of ours need. */
export function needsRuntime(...programs: readonly string[]): Skip {
  return allOf(needsIsolation(), isRoot(), hasCgroups(), ...['busybox', ...programs].map(isInstalled))
}

const isInstalled = (program: string): Skip => ({
  skip: spawnSync('which', [program]).status === 0 ? false : `${program} is not installed`,
})

const isRoot = (): Skip => ({
  skip: WHOLE_MACHINE.test(readFileSync('/proc/self/uid_map', 'utf8'))
    ? false
    : 'a container runtime: root of a user namespace is not enough',
})

const hasCgroups = (): Skip => ({
  skip: / - cgroup2? /.test(readFileSync('/proc/self/mountinfo', 'utf8'))
    ? false
    : 'a container runtime: no cgroups are mounted here',
})

/** How a program ended. */
export interface Ended {
  status: number | null
  /** What it printed, on both streams. */
  output: string
}

export interface CommandOptions {
  /** Beside the variables of this process. */
  env?: NodeJS.ProcessEnv
  /** Default: none. */
  input?: string
}

/** A host with the folders of a container runtime: /run, /etc/cni and so on are its own. */
export interface RuntimeHost {
  remote: NamespaceRef
  host: NamespaceRef
  /** Where the runtime keeps its files, and configuration is read from. */
  folder: string
  /** The root file system of containers: busybox. Its `/serve PORT` answers HTTP with the address of who asks. */
  rootfs: string
  /** The plug-ins' folder. */
  plugins: string
  /** A cgroup that is the test's own. */
  cgroup: string
  /** Runs a program on the host. It may fail. */
  attempt: (command: readonly string[], options?: CommandOptions) => Promise<Ended>
  /** Runs a program on the host, and resolves with what it printed. Rejects if it fails. */
  run: (command: readonly string[], options?: CommandOptions) => Promise<string>
  /** Starts a program on the host, which ends with the test. */
  start: (command: readonly string[]) => ChildProcessWithoutNullStreams
  /** How a path of the host's mounts is called here. */
  outside: (path: string) => string
  /** The containers that the isolator knows of. */
  ids: () => Promise<string[]>
  /** Ends what was started, and asserts that nothing of containers is left, and nothing of the network when that is removed. */
  isClear: (t: Test) => Promise<void>
}

export interface RuntimeHostOptions {
  /** Folders of the system that are empty on this host: where the runtime keeps state that no option moves. */
  ownFolders?: readonly string[]
  /** Whether the host has IPv6 addresses. Default: false. */
  ipv6?: boolean
}

/** Makes a host; the test leaves nothing of it behind. */
export async function runtimeHost(
  t: Test,
  { ownFolders = [], ipv6 = false }: RuntimeHostOptions = {},
): Promise<RuntimeHost> {
  execFileSync(process.execPath, ['scripts/ready.js', 'lib', 'programs'], { cwd: ROOT })
  const topology = await createTopology({ containers: 0, prefix: 'rt' })
  t.teardown(() => topology.close())
  if (ipv6) {
    await ipBatch(topology.host.name, [...HOST_LINES])
    await ipBatch(topology.remote.name, REMOTE_LINES)
  }
  const folder = mkdtempSync(join(tmpdir(), 'runtime-'))
  // Root of a container's user namespace has to get to its files.
  chmodSync(folder, 0o755)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const cgroup = `rtnetlink-${topology.host.name}`
  t.teardown(() => removeCgroup(cgroup))
  const rootfs = rootFileSystem(folder)
  const plugins = join(folder, 'plugins')
  mkdirSync(plugins)
  symlinkSync(`${ROOT}cni/lib/rtnetlink-cni.js`, join(plugins, 'rtnetlink-cni'))

  const mounts = await ownMounts(t, ownFolders)
  const spawned = (
    [program = '', ...args]: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): ChildProcessWithoutNullStreams => {
    const namespaces = [`--net=${topology.host.path}`, `--mount=/proc/${mounts}/ns/mnt`]
    return spawn('nsenter', [...namespaces, '--', program, ...args], { env: { ...process.env, ...env } })
  }
  const attempt: RuntimeHost['attempt'] = async (command, { env, input = '' } = {}) => {
    const child = spawned(command, env)
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stdin.on('error', () => undefined).end(input)
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, output }
  }
  // The kernel lets nobody give it none again.
  await ip(topology.host.name, `link set lo address ${HOST_MAC}`)
  const before = await snapshot({ namespaces: [topology.host] })
  const started: ChildProcess[] = []
  const outside = (path: string): string => `/proc/${mounts}/root${path}`
  const inspect = () => PortMappingIsolator.inspect({ netns: topology.host.name })
  return {
    remote: topology.remote,
    host: topology.host,
    folder,
    rootfs,
    plugins,
    cgroup,
    attempt,
    async run(command, options) {
      const { status, output } = await attempt(command, options)
      if (status !== 0) throw new Error(`${command.join(' ')}: ${status}: ${output}`)
      return output
    },
    start(command) {
      const child = spawned(command)
      started.push(child)
      t.teardown(() => ended(child))
      return child
    },
    outside,
    ids: async () => (await inspect()).containers.map(({ id }) => id).sort(),
    async isClear(t) {
      await Promise.all(started.map(ended))
      t.strictSame((await inspect()).containers, [], 'no containers')
      const links = await ipJson<{ ifname: string }>(topology.host.name, 'link')
      t.strictSame(
        links.map(({ ifname }) => ifname).filter(name => /^pm[st]?\d/.test(name)),
        [],
        'no links of containers',
      )
      t.strictSame(readdirSync(outside('/run/netns')), [], 'no names of namespaces')
      await PortMappingIsolator.remove({ netns: topology.host.name })
      await expectSame(t, before)
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}

/** The pid of a process in a mount namespace where these folders are empty. It ends with the test, whatever becomes of that. */
async function ownMounts(t: Test, folders: readonly string[]): Promise<number> {
  const script = [
    // What is mounted in a mount namespace that is made of it is seen here, as on a host.
    'mount --make-rshared /',
    'mount -t tmpfs tmpfs /run',
    // The machine may lack the folder, and several tests would make and remove it at the same time.
    ...folders.flatMap(folder => [
      `layer=$(mktemp -d); mkdir $layer/upper $layer/work`,
      `options=lowerdir=${dirname(folder)},upperdir=$layer/upper,workdir=$layer/work`,
      `mount -t overlay overlay -o $options ${dirname(folder)}`,
      `mkdir -p ${folder}; mount -t tmpfs tmpfs ${folder}`,
    ]),
    'mkdir /run/netns; echo ready; exec cat',
  ].join('\n')
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: '/run' },
  })
  const exit = once(child, 'exit')
  t.teardown(() => {
    child.stdin.end()
    return exit
  })
  await Promise.race([
    once(child.stdout, 'data'),
    exit.then(() => {
      throw new Error('no mount namespace')
    }),
  ])
  return child.pid!
}

/** Of a program that says who asks it: IPv6 addresses are in brackets. */
const PEER = String.raw`#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n%s' "$REMOTE_ADDR"
`

function rootFileSystem(folder: string): string {
  const rootfs = join(folder, 'rootfs')
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'run', 'var', 'www/cgi-bin'])
    mkdirSync(join(rootfs, name), { recursive: true })
  const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim()
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  for (const name of ['sh', 'sleep', 'wget']) symlinkSync('busybox', join(rootfs, 'bin', name))
  const scripts = {
    serve: '#!/bin/sh\nexec busybox httpd -f -p "[::]:$1" -h /www\n',
    'www/cgi-bin/peer': PEER,
  }
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(rootfs, name), text)
    chmodSync(join(rootfs, name), 0o755)
  }
  return rootfs
}

/** A runtime leaves the cgroup that it put containers in, in each hierarchy; a test that fails leaves containers in it. */
async function removeCgroup(name: string): Promise<void> {
  const hierarchies = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => / - cgroup2? /.test(line))
    .map(line => join(line.split(' ')[4]!, name))
  for (let attempt = 0; attempt < 50; attempt++) {
    if (hierarchies.every(removeCgroups)) return
    await sleep(100)
  }
}

/** From the innermost to the outermost; processes in them are killed. Whether all of them are gone. */
function removeCgroups(folder: string): boolean {
  if (!existsSync(folder)) return true
  const inner = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const areGone = inner.map(({ name }) => removeCgroups(join(folder, name)))
  for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'))
    if (pid !== '') process.kill(Number(pid), 'SIGKILL')
  try {
    rmdirSync(folder)
  } catch {
    return false // until its processes have ended
  }
  return areGone.every(Boolean)
}
