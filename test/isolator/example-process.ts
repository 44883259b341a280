import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { outputOf } from '../helpers/program-output.js'
import type { NamespaceRef } from '../helpers/topology.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A file of examples/ that runs. */
export interface ExampleProcess {
  child: ChildProcessByStdio<null, Readable, Readable>
  /** What it has printed up to now, on either stream. */
  output: () => string
  /** Waits until it has printed something; rejects with what it printed instead if it ends before. */
  prints: (text: string) => Promise<void>
  /** Its exit code, null where a signal ended it. */
  exit: Promise<number | null>
}

/**
 * Starts `npm run example -- <name> <args>` in a namespace, without npm.
 *
 * @param confinement a command that is put before that of the example
 */
export function startExample(
  { path }: NamespaceRef,
  name: string,
  args: readonly string[],
  confinement: readonly string[] = [],
): ExampleProcess {
  // Not `ip netns exec`: its mount namespace would take the handles of containers along when the process ends.
  const node = [process.execPath, '--import', `${ROOT}/scripts/typescript.js`, `examples/${name}.ts`]
  const child = spawn('nsenter', [`--net=${path}`, ...confinement, ...node, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const { exit, until } = outputOf(child, text => (output += text))
  const prints = async (text: string): Promise<void> => {
    await until(
      () => output.includes(text) || undefined,
      () => `${name} ended without printing '${text}': ${output}`,
    )
  }
  return { child, output: () => output, prints, exit }
}
