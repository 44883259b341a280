import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { runIn } from '../helpers/iproute2.js'
import { udpSocketIn } from '../helpers/namespace-sockets.js'

export const PORTS_PER_SEAT = 16
const FIRST_PORT = 31_000

/** How long a packet may be under way, or a datagram wait to be read, in ms. */
const UNDER_WAY = 1000

/** Whose a port is, whatever container has it at the moment. */
export const seatOf = (port: number): number => Math.floor((port - FIRST_PORT) / PORTS_PER_SEAT)

export type Random = (below: number) => number

/** Ways in which a container ends. */
const ENDS = [
  'cleaned up, then killed',
  'killed, then cleaned up',
  'its interface deleted from inside',
] as const

/**
 * Sixteen ports, and the containers that have some of them one after the other. All sixteen are served inside: what
 * arrives at one that the container does not have was misdelivered.
 */
export class Seat {
  readonly #isolator: PortMappingIsolator
  readonly #index: number
  readonly #random: Random
  readonly #servers: Socket[] = []
  /** Ports that may be delivered to, with the time until which, in ms. */
  readonly #entitled = new Map<number, number>()
  #process: ChildProcess | undefined
  #life = 0
  lives = 0
  updates = 0
  served = 0
  readonly misdelivered: string[] = []

  constructor(isolator: PortMappingIsolator, index: number, random: Random) {
    this.#isolator = isolator
    this.#index = index
    this.#random = random
  }

  get id(): string {
    return `seat${this.#index}-${this.#life}`
  }

  /** A random port of the seat. */
  port(): number {
    return FIRST_PORT + PORTS_PER_SEAT * this.#index + this.#random(PORTS_PER_SEAT)
  }

  async begin(): Promise<void> {
    this.#life++
    const pid = await this.#startProcess()
    const ports = this.#somePorts()
    this.#entitle(ports)
    await this.#isolator.isolate(this.id, { netns: pid, ports: ports.map(port => [port, port]) })
    for (let i = 0; i < PORTS_PER_SEAT; i++)
      await this.#serve(pid, FIRST_PORT + PORTS_PER_SEAT * this.#index + i)
    this.lives++
  }

  /** Gives the container other ports. */
  async update(): Promise<void> {
    const ports = this.#somePorts()
    this.#entitle(ports)
    await this.#isolator.update(this.id, { ports: ports.map(port => [port, port]) })
    this.#entitleOnly(ports)
    this.updates++
  }

  async end(): Promise<void> {
    const way = ENDS[this.#random(ENDS.length)]
    if (way === 'its interface deleted from inside')
      await runIn(`/proc/${this.#process?.pid}/ns/net`, 'ip', 'link', 'del', 'eth0')
    if (way === 'killed, then cleaned up') await this.#kill()
    await this.#isolator.cleanup(this.id)
    this.#entitleOnly([])
    await this.#kill()
  }

  async #startProcess(): Promise<number> {
    this.#process = spawn('unshare', ['--net', 'sleep', '3600'], { stdio: 'ignore' })
    await once(this.#process, 'spawn')
    const pid = this.#process.pid as number
    const own = readlinkSync('/proc/self/ns/net')
    while (readlinkSync(`/proc/${pid}/ns/net`) === own) await sleep(5)
    return pid
  }

  async #kill(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.close()
    if (this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null)
      return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }

  async #serve(pid: number, port: number): Promise<void> {
    const server = await udpSocketIn({ name: `${pid}`, path: `/proc/${pid}/ns/net` }, '0.0.0.0', port)
    this.#servers.push(server)
    const life = this.id
    server.on('message', (_message, from) => {
      this.served++
      if ((this.#entitled.get(port) ?? 0) < performance.now())
        this.misdelivered.push(`${life} got a datagram for port ${port}, which it does not have`)
      server.send(`${this.#index}`, from.port, from.address)
    })
  }

  /** At least one, and with gaps. */
  #somePorts(): number[] {
    const all = Array.from(
      { length: PORTS_PER_SEAT },
      (_, i) => FIRST_PORT + PORTS_PER_SEAT * this.#index + i,
    )
    const some = all.filter(() => this.#random(2) === 0)
    return some.length > 0 ? some : all.slice(0, 1)
  }

  #entitle(ports: readonly number[]): void {
    for (const port of ports) this.#entitled.set(port, Infinity)
  }

  #entitleOnly(ports: readonly number[]): void {
    const soon = performance.now() + UNDER_WAY
    for (const [port, until] of this.#entitled)
      if (!ports.includes(port) && until === Infinity) this.#entitled.set(port, soon)
  }
}
