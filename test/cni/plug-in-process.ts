import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ErrorResult } from '../../cni/src/spec/cni-error.js'
import type { Command } from '../../cni/src/spec/request.js'
import type { Result } from '../../cni/src/spec/result.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { NETWORK } from './network.js'

/** The plug-in as it is shipped, without a daemon. */
export const PLUG_IN = fileURLToPath(new URL('../../cni/lib/rtnetlink-cni.js', import.meta.url))

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

/** A call that is under way. */
export interface RunningCall {
  readonly child: ChildProcess
  /** Its answer; `status` is null if a signal has ended it. */
  readonly answer: Promise<Answer>
}

/** Starts the plug-in in a host's namespace, as a runtime does. */
export function startCall(host: NamespaceRef, command: Command, options: CallOptions = {}): RunningCall {
  const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, PLUG_IN], {
    env: { PATH: process.env['PATH'], ...environmentOf(command, options) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // It may be killed before it has read all of it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify({ ...NETWORK, ...options.config }))
  const answer = Promise.all([text(child.stdout), once(child, 'close')]).then(
    ([output, [status]]): Answer => ({
      status: status as number | null,
      result: output === '' ? {} : (JSON.parse(output) as Result),
    }),
  )
  return { child, answer }
}

/** Has the plug-in do a call, and waits for its answer. */
export const call = (host: NamespaceRef, command: Command, options?: CallOptions): Promise<Answer> =>
  startCall(host, command, options).answer

/** What the configuration says for a container with these ports. */
export const mapped = (...ports: number[]) => ({
  runtimeConfig: {
    portMappings: ports.map(port => ({ hostPort: port, containerPort: port, protocol: 'tcp' })),
  },
})
