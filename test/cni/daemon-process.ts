import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { outputOf } from '../helpers/program-output.js'
import { createTopology, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { CLIENT, startClient, type Ended, type RunningClient } from './client-process.js'
import { NETWORK } from './network.js'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DAEMON = `${ROOT}cni/lib/rtnetlinkd.js`

/** Makes what the tests of the daemon run. */
export function buildDaemon(): void {
  execFileSync(process.execPath, ['scripts/ready.js', 'lib', 'programs', 'client'], { cwd: ROOT })
}

/** A line of the daemon's log. */
export type Line = Record<string, unknown> & { level: number; msg: string }

export interface DaemonProcess {
  readonly child: ChildProcess
  readonly lines: Line[]
  /** What it has printed that is no line of its log. */
  readonly errors: () => string
  /** Waits for a line; rejects if it ends before. */
  readonly prints: (msg: string) => Promise<Line>
  /** Sends a signal, and waits for its end: its exit code, null if the signal ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>
}

/** A host with a daemon's files. */
export interface HostOfDaemon {
  readonly topology: Topology
  readonly host: NamespaceRef
  readonly remote: NamespaceRef
  readonly containers: readonly NamespaceRef[]
  readonly folder: string
  readonly socket: string
  readonly http: string
  readonly config: string
}

export async function hostOfDaemon(
  t: Test,
  { containers = 2, network = NETWORK }: { containers?: number; network?: object } = {},
): Promise<HostOfDaemon> {
  const topology = await createTopology({ containers, prefix: 'd' })
  const folder = mkdtempSync(join(tmpdir(), 'daemon-'))
  t.teardown(async () => {
    await PortMappingIsolator.remove({ netns: topology.host.name })
    rmSync(folder, { recursive: true, force: true })
    await topology.close()
  })
  const config = join(folder, '10-shared.conflist')
  const { cniVersion, name, ...plugIn } = network as typeof NETWORK
  writeFileSync(config, JSON.stringify({ cniVersion, name, plugins: [plugIn] }))
  const socket = join(folder, 'cni.sock')
  return {
    ...{ topology, folder, socket, config, http: join(folder, 'http.sock') },
    ...{ host: topology.host, remote: topology.remote, containers: topology.containers },
  }
}

/** Starts the daemon on a host; `command` is put before it. */
export function startDaemon(
  t: Test,
  { host, socket, config, http }: HostOfDaemon,
  {
    args = ['--config', config, '--socket', socket, '--http', http],
    command = [],
    environment = {},
  }: {
    args?: readonly string[]
    command?: readonly string[]
    environment?: Record<string, string>
  } = {},
): DaemonProcess {
  const child = spawn('nsenter', [`--net=${host.path}`, ...command, process.execPath, DAEMON, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  let errors = ''
  let rest = ''
  const { exit, until } = outputOf(child, (text, stream) => {
    if (stream === 'stderr') {
      errors += text
      return
    }
    const all = (rest + text).split('\n')
    rest = all.pop() ?? ''
    lines.push(...all.map(line => JSON.parse(line) as Line))
  })
  const prints = (msg: string): Promise<Line> =>
    until(
      () => lines.find(line => line.msg === msg),
      () => `rtnetlinkd ended without '${msg}': ${errors}${JSON.stringify(lines)}`,
    )
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exit
  }
  t.teardown(() => end('SIGKILL'))
  return { child, lines, errors: () => errors, prints, end }
}

/** What a runtime asks for. */
export interface CniCall {
  readonly command: string
  readonly id?: string
  readonly netns?: string
  readonly ports?: readonly number[]
  readonly network?: object
}

/** Starts our client on a host, as a runtime does. */
export function callDaemon(
  { host, socket }: Pick<HostOfDaemon, 'host' | 'socket'>,
  { command, id, netns, ports = [], network = NETWORK }: CniCall,
): RunningClient {
  const portMappings = ports.map(port => ({ hostPort: port, containerPort: port, protocol: 'tcp' }))
  return startClient(
    {
      ...{ CNI_COMMAND: command, CNI_IFNAME: 'eth0', CNI_PATH: '/opt/cni/bin' },
      ...{ RTNETLINK_CNI_SOCKET: socket, RTNETLINK_CNI_PLUGIN: '/nonexistent', PATH: '/usr/bin:/bin' },
      ...(id !== undefined && { CNI_CONTAINERID: id }),
      ...(netns !== undefined && { CNI_NETNS: netns }),
    },
    {
      command: ['nsenter', `--net=${host.path}`, CLIENT],
      input: JSON.stringify({ ...network, ...(ports.length > 0 && { runtimeConfig: { portMappings } }) }),
    },
  )
}

export const asked = (on: Pick<HostOfDaemon, 'host' | 'socket'>, call: CniCall): Promise<Ended> =>
  callDaemon(on, call).ended

const ASKING = `
const [socketPath, path, headers] = JSON.parse(process.argv[1])
require('http').get({ socketPath, path, headers, agent: false }, async response => {
  let body = ''
  for await (const piece of response) body += piece
  console.log(JSON.stringify({ status: response.statusCode, body }))
})`

/** Asks the daemon by HTTP, from its host. */
export async function get(
  { host, http }: Pick<HostOfDaemon, 'host' | 'http'>,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  const asked = JSON.stringify([http, path, { Host: 'localhost', ...headers }])
  const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, '-e', ASKING, asked], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(await text(child.stdout)) as { status: number; body: string }
}
