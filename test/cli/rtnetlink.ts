import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/cli/run.js'
// The test runner takes 20 s for all these files if they are imported later.
import '../../src/index.js'
import type { Terminal } from '../../src/cli/terminal.js'

/** What a command line came to. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** How a test stands in for whoever is at the terminal. */
export interface Staging extends Partial<Pick<Terminal, 'width' | 'coloured' | 'isTerminal'>> {
  /** Answers every question. Without it nobody can be asked. */
  answer?: string
  debug?: boolean
  signal?: AbortSignal
  /** Called with all that was printed, whenever more is. */
  printed?: (stdout: string) => void
}

/** Runs a command line in this process, from src/. Words are separated by single spaces. */
export async function rtnetlink(line: string, staging: Staging = {}): Promise<Ran> {
  const {
    width,
    coloured = false,
    isTerminal = false,
    answer,
    debug,
    signal = new AbortController().signal,
    printed,
  } = staging
  const ran = { code: 0, stdout: '', stderr: '' }
  const terminal: Terminal = {
    write(text) {
      ran.stdout += text
      printed?.(ran.stdout)
    },
    warn: text => void (ran.stderr += `${text}\n`),
    isTerminal,
    width,
    coloured,
    ask:
      answer === undefined
        ? undefined
        : async question => {
            ran.stderr += question
            return answer
          },
  }
  ran.code = await run(line === '' ? [] : line.split(' '), terminal, () => signal, debug)
  return ran
}

/** The program of the package. */
export const PROGRAM = fileURLToPath(new URL('../../lib/cli.js', import.meta.url))

/** Arguments of env(1): without what the test runner has every Node load. */
export const WITHOUT_RUNNER = ['-u', 'NODE_OPTIONS']

/** Runs a command line as a process. */
export function rtnetlinkProcess(
  line: string,
  { env = {}, before = [] }: { env?: NodeJS.ProcessEnv; before?: string[] } = {},
): Ran {
  const args = [...WITHOUT_RUNNER, ...before, process.execPath, PROGRAM, ...line.split(' ')]
  const { status, stdout, stderr } = spawnSync('env', args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { code: status ?? -1, stdout, stderr }
}

/** Puts a command behind itself as somebody without any privilege. */
export const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
