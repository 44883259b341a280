import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CNI = fileURLToPath(new URL('../../../cni/', import.meta.url))
const CLIENT = `${CNI}prebuilds/linux-${process.arch}/rtnetlink-cni`

const NETWORK = {
  ...{ cniVersion: '1.1.0', name: 'bench', type: 'rtnetlink-cni', publicInterface: 'eth0' },
  ...{ ports: '30000-32000', ephemeralPorts: '2048-28671', ephemeralPortsPerContainer: 16 },
  capabilities: { portMappings: true },
}

/** sysconf(_SC_CLK_TCK) is 100 on every architecture of Linux that Node runs on. */
const MS_PER_TICK = 10

/** rtnetlinkd in the namespace of this process. */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
  }

  /** Resolves once its isolator is there. */
  static async start(): Promise<DaemonProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'))
    const config = join(folder, 'network.conf')
    writeFileSync(config, JSON.stringify(NETWORK))
    const args = [
      '--config',
      config,
      '--socket',
      join(folder, 'cni.sock'),
      '--http',
      join(folder, 'http.sock'),
    ]
    const child = spawn(process.execPath, [`${CNI}lib/rtnetlinkd.js`, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8')
    const created = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text: string) => {
        output += text
        if (output.includes('isolator created')) resolve()
      })
      child.once('exit', () => {
        reject(new Error(`rtnetlinkd has ended: ${output}`))
      })
    })
    await created
    return new DaemonProcess(child, folder)
  }

  /** Milliseconds that a call of CNI takes, from the start of the client to its end. */
  call(command: 'ADD' | 'DEL', id: string, netns: string, port?: number): number {
    const portMappings = port === undefined ? [] : [{ hostPort: port, containerPort: port }]
    return this.#timed(
      { CNI_COMMAND: command, CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: 'eth0' },
      { runtimeConfig: { portMappings } },
    )
  }

  /** Likewise, of a GC that keeps the containers of these ids. */
  collectGarbage(valid: readonly string[]): number {
    const attachments = valid.map(containerID => ({ containerID, ifname: 'eth0' }))
    return this.#timed({ CNI_COMMAND: 'GC' }, { 'cni.dev/valid-attachments': attachments })
  }

  #timed(environment: Readonly<Record<string, string>>, config: object): number {
    const began = performance.now()
    const { status, stdout } = spawnSync(CLIENT, {
      input: JSON.stringify({ ...NETWORK, ...config }),
      env: { ...environment, RTNETLINK_CNI_SOCKET: join(this.#folder, 'cni.sock') },
    })
    const milliseconds = performance.now() - began
    if (status !== 0) throw new Error(`${JSON.stringify(environment)}: ${stdout.toString()}`)
    return milliseconds
  }

  /** Resident memory, MB. */
  get resident(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
  }

  /** CPU time up to now, of all its threads: milliseconds. */
  get cpuTime(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    // proc(5): utime and stime are the 14th and 15th field; the second may have spaces, and ends with a bracket.
    const [utime, stime] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    return (Number(utime) + Number(stime)) * MS_PER_TICK
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
