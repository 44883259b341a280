import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NETWORK } from './contenders.js'

const PROGRAM = fileURLToPath(new URL('../../../cni/lib/rtnetlinkd.js', import.meta.url))

/** An rtnetlinkd of this namespace, for the length of a benchmark. */
export class Daemon implements AsyncDisposable {
  readonly socket: string
  readonly #child: ChildProcess

  private constructor(socket: string, child: ChildProcess) {
    this.socket = socket
    this.#child = child
  }

  static async start(folder: string): Promise<Daemon> {
    const socket = join(folder, 'cni.sock')
    const config = join(folder, 'shared.conflist')
    const { cniVersion, name, ...plugIn } = NETWORK
    writeFileSync(config, JSON.stringify({ cniVersion, name, plugins: [plugIn] }))
    const child = spawn(process.execPath, [PROGRAM, '--config', config, '--socket', socket], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    while (!existsSync(socket) && child.exitCode === null) await sleep(50)
    // Its isolator takes a moment more.
    await sleep(2000)
    return new Daemon(socket, child)
  }

  /** Resident set size, KiB, and CPU time in clock ticks of a hundredth of a second. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'close')
  }
}
