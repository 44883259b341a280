import { spawnSync } from 'node:child_process'

/** A port of the host and of the container. */
export interface Mapping {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: 'tcp' | 'udp'
}

/** Calls a plug-in as a runtime does, and gives what it printed. @throws where it fails */
export function callPlugIn(
  program: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>>,
  config: object,
): unknown {
  const [command, ...args] = program
  const { status, stdout, error } = spawnSync(command, args, {
    env: { PATH: process.env['PATH'], CNI_PATH: '/usr/lib/cni', CNI_IFNAME: 'eth0', ...environment },
    input: JSON.stringify(config),
    encoding: 'utf8',
  })
  if (status !== 0)
    throw new Error(`${program.join(' ')} ${environment['CNI_COMMAND']}: ${error?.message ?? stdout}`)
  return stdout === '' ? undefined : (JSON.parse(stdout) as unknown)
}

/** A way to give a container its network. */
export interface Contender {
  readonly name: string
  readonly ours: boolean
  add(id: string, netns: string, ports: readonly Mapping[]): void
  del(id: string, netns: string, ports: readonly Mapping[]): void
}
