import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What a command prints. Throws with its last words where it fails, and with `ENOENT` where there is none. */
export async function output(command: string, args: readonly string[] = [], cwd?: string): Promise<string> {
  try {
    return (await execute(command, args, { cwd, maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new Error(`${command} is not installed`, { cause: error })
    throw new Error(stderr.trim().split('\n').at(-1) || `${command} ended with ${String(code)}`, {
      cause: error,
    })
  }
}

/** The JSON array of numbers that a program prints: see native/samples.h. */
export async function samplesOf(command: string, args: readonly string[]): Promise<number[]> {
  return JSON.parse(await output(command, args)) as number[]
}
