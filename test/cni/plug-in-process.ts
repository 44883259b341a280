import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ErrorResult } from '../../cni/src/spec/cni-error.js'
import type { Command } from '../../cni/src/spec/request.js'
import type { Result } from '../../cni/src/spec/result.js'
import type { NamespaceRef } from '../helpers/topology.js'

/** The plug-in as it is shipped, without a daemon. */
export const PLUG_IN = fileURLToPath(new URL('../../cni/lib/rtnetlink-cni.js', import.meta.url))

/** A network whose ports are off the range that a new namespace allocates its ephemeral ports from. */
export const NETWORK = {
  cniVersion: '1.1.0',
  name: 'shared',
  type: 'rtnetlink-cni',
  publicInterface: 'eth0',
  ports: '31000-31999',
  ephemeralPorts: '20480-28671',
  ephemeralPortsPerContainer: 64,
} as const

/** What of a call differs from that of container `c1` on eth0. */
export interface CallOptions {
  readonly id?: string
  readonly netns?: string
  readonly ifname?: string
  readonly args?: string
  /** Members of the configuration beside those of {@link NETWORK}. */
  readonly config?: object
}

export interface Answer {
  readonly status: number | null
  /** What was printed; `{}` for nothing. */
  readonly result: Partial<Result> & Partial<ErrorResult>
}

/** The variables of a call. */
export function environmentOf(
  command: string,
  { id = 'c1', netns, ifname = 'eth0', args }: CallOptions,
): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_IFNAME: ifname,
    CNI_PATH: '/opt/cni/bin',
    ...(netns !== undefined && { CNI_NETNS: netns }),
    ...(args !== undefined && { CNI_ARGS: args }),
  }
}

/** Calls the plug-in in a host's namespace, as a runtime does. */
export async function call(host: NamespaceRef, command: Command, options: CallOptions = {}): Promise<Answer> {
  const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, PLUG_IN], {
    env: { PATH: process.env['PATH'], ...environmentOf(command, options) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify({ ...NETWORK, ...options.config }))
  const printed = text(child.stdout)
  const [status] = (await once(child, 'close')) as [number | null]
  const output = await printed
  return { status, result: output === '' ? {} : (JSON.parse(output) as Result) }
}

/** What the configuration says for a container with these ports. */
export const mapped = (...ports: number[]) => ({
  runtimeConfig: {
    portMappings: ports.map(port => ({ hostPort: port, containerPort: port, protocol: 'tcp' })),
  },
})
