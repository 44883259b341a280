import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { NamespaceRef } from './topology.js'

/** A Python program that runs inside a namespace, and ends with its input. */
export class ScriptInside implements AsyncDisposable {
  private constructor(
    /** Its first line. */
    readonly said: string,
    /** Has it answer with another line. */
    readonly ask: () => Promise<string>,
    readonly end: () => Promise<void>,
  ) {}

  /** Resolves when it has said something. */
  static async start({ path }: NamespaceRef, script: URL, ...args: readonly string[]): Promise<ScriptInside> {
    const child = spawn('nsenter', [`--net=${path}`, 'python3', fileURLToPath(script), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.on('error', () => undefined)
    const ended = once(child, 'close')
    const lines = createInterface(child.stdout)
    const line = async (): Promise<string> =>
      String(((await Promise.race([once(lines, 'line'), ended])) as unknown[])[0])
    const ask = (): Promise<string> => {
      child.stdin.write('\n')
      return line()
    }
    const end = async (): Promise<void> => {
      child.stdin.end()
      await ended
    }
    return new ScriptInside(await line(), ask, end)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
