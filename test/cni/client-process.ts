import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Skip } from '../helpers/privilege.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The client of rtnetlinkd, as a container runtime starts it. */
export const CLIENT = `${ROOT}cni/prebuilds/linux-${process.arch}/rtnetlink-cni`

/** Whether the client could be built here. */
export function hasClient(): Skip {
  execFileSync(process.execPath, ['scripts/ready.js', 'client'], { cwd: ROOT })
  return { skip: existsSync(CLIENT) ? false : 'the client of rtnetlinkd: no C compiler' }
}

/** What a CNI plug-in answers. */
export interface Ended {
  status: number | null
  /** Of standard output: JSON, or what it is if it is none; undefined where it is empty. */
  output: unknown
  errors: string
}

export interface RunningClient {
  child: ChildProcess
  ended: Promise<Ended>
}

export interface ClientOptions {
  /** Default: the client of this machine. */
  command?: readonly [string, ...string[]]
  input?: string
}

/** Starts the client with these variables and no others. */
export function startClient(
  environment: Record<string, string>,
  { command = [CLIENT], input = '' }: ClientOptions = {},
): RunningClient {
  const [program, ...args] = command
  const child = spawn(program, args, { env: environment })
  // It may end before it has read all of it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([output, errors, [status]]): Ended => ({
      status: status as number | null,
      output: parsed(output),
      errors,
    }),
  )
  return { child, ended }
}

/** Runs the client to its end. */
export const runClient = (environment: Record<string, string>, options?: ClientOptions): Promise<Ended> =>
  startClient(environment, options).ended

function parsed(output: string): unknown {
  try {
    return output === '' ? undefined : JSON.parse(output)
  } catch {
    return output
  }
}
