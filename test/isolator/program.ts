import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { ContainerInfo } from '../../src/isolator/container/info.js'

const FIXTURE = fileURLToPath(new URL('fixtures/on-request.js', import.meta.url))

/** What a call comes to. */
export interface Answer {
  error?: { code: string; message: string }
  result?: unknown
  list: ContainerInfo[]
  reported: string[]
}

/** A process with an isolator, which does one thing after the other. */
export class Program {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(t: Test): Promise<Program> {
    const child = fork(FIXTURE, { execArgv: [] })
    t.teardown(() => child.kill('SIGKILL'))
    await once(child, 'message')
    return new Program(child)
  }

  /** What a method of the isolator comes to; undefined where the process is killed before it answers. */
  async call(name: string, ...args: unknown[]): Promise<Answer | undefined> {
    const ended = new AbortController()
    const answered = once(this.#child, 'message', { signal: ended.signal }) as Promise<[Answer]>
    const exit = (): void => {
      ended.abort()
    }
    this.#child.once('exit', exit)
    this.#child.send([name, ...args])
    try {
      return (await answered)[0]
    } catch {
      return undefined
    } finally {
      this.#child.off('exit', exit)
    }
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
