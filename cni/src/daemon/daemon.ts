import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import type { PortMappingIsolatorOptions } from 'rtnetlink'
import { readToken } from '../http/access.js'
import { listenOnDescriptor, listenOnPort, listenOnSocket, namesOf } from '../http/listen.js'
import type { ActivatedSockets } from './activation.js'
import { CallServer } from './call-server.js'
import type { Settings } from './command-line.js'
import { registerDaemonMetrics } from './daemon-metrics.js'
import { HeldIsolator, type Reports } from './held-isolator.js'
import { createHttpServer } from './http-server.js'
import { loggedCall } from './logged-calls.js'
import type { ServiceManager } from './service-manager.js'
import { Sweep } from './sweep.js'

/** What a daemon works with. */
export interface Surroundings {
  readonly settings: Settings
  readonly options: PortMappingIsolatorOptions
  readonly activated: ActivatedSockets
  readonly manager: ServiceManager
  readonly log: Logger
}

/** At most between two looks for containers without a process, ms. */
const LONGEST_BETWEEN_LOOKS = 30_000

/** One isolator for all runtimes of a host, behind a socket. */
export class Daemon {
  readonly #surroundings: Surroundings
  readonly #isolator: HeldIsolator
  readonly #calls: CallServer
  readonly #registry = new Registry()
  readonly #metrics: ReturnType<typeof registerDaemonMetrics>
  readonly #sweep: Sweep
  /** A look at a time. */
  #looking = false
  #http: HttpServer | undefined
  #looks: NodeJS.Timeout | undefined

  constructor(surroundings: Surroundings) {
    const { settings, options, log } = surroundings
    this.#surroundings = surroundings
    this.#sweep = new Sweep(settings.sweep * 1000)
    this.#isolator = new HeldIsolator(options, this.#reports())
    this.#metrics = registerDaemonMetrics(this.#registry, this.#isolator)
    this.#calls = new CallServer({
      answer: call => loggedCall(call, this.#isolator, log, this.#metrics),
      refused: ({ code, message }, pid) => {
        log.warn({ code, pid, reason: message }, 'caller refused')
      },
    })
  }

  /**
   * Listens, then prepares the host: a daemon that cannot listen, or is started with what does not go together, touches nothing of it.
   * Calls that come before the isolator is there are answered with a reason.
   */
  async start(): Promise<void> {
    const { settings, activated, manager, log } = this.#surroundings
    await this.#startHttp()
    if (activated.cni !== undefined) await listenOnDescriptor(this.#calls.server, activated.cni)
    else await listenOnSocket(this.#calls.server, settings.socket)
    this.#isolator.start()
    if (settings.sweep > 0) {
      const every = Math.min((settings.sweep * 1000) / 2, LONGEST_BETWEEN_LOOKS)
      this.#looks = setInterval(() => void this.#look(), every)
    }
    log.info({ cni: whereOf(this.#calls.server), http: this.#http && whereOf(this.#http) }, 'listening')
    await this.#isolator.attempt
    manager.ready(this.#isolator.reason === undefined ? 'ready' : `no isolator yet: ${this.#isolator.reason}`)
  }

  /** Takes no more calls, waits for those that are under way, and leaves the containers alone. */
  async stop(): Promise<void> {
    const { manager, log } = this.#surroundings
    manager.stopping()
    clearInterval(this.#looks)
    this.#http?.close()
    this.#http?.closeAllConnections()
    await this.#calls.close()
    await this.#isolator.close()
    manager.close()
    log.info('ended: containers stay')
  }

  async #startHttp(): Promise<void> {
    const { settings, activated } = this.#surroundings
    if (activated.http === undefined && settings.http === undefined) return
    const token = settings.tokenFile === undefined ? undefined : readToken(settings.tokenFile)
    const server = createHttpServer(this.#isolator, this.#registry, () => ({ hosts: namesOf(server), token }))
    if (activated.http !== undefined) await listenOnDescriptor(server, activated.http)
    else await listenWhere(server, settings.http ?? '', token)
    this.#http = server
    const where = server.address()
    if (typeof where === 'object' && where !== null && token === undefined)
      throw new Error(
        `HTTP on port ${where.port}: whoever reaches it could read it. Give --token-file as well`,
      )
  }

  #reports(): Reports {
    const { log, manager } = this.#surroundings
    return {
      ready: containers => {
        log.info({ containers: containers.length }, 'isolator created')
        manager.status(`ready, ${containers.length} containers found`)
      },
      notYet: ({ message }, pauseMs) => {
        log.warn({ reason: message, ms: pauseMs }, 'no isolator yet')
        manager.status(`no isolator yet: ${message}`)
      },
      gone: ({ id, reason }) => {
        this.#sweep.forget(id)
        if (reason === 'cleanup') return
        this.#metrics.lost.inc({ reason })
        log.info({ container: id, reason }, 'container ended without a DEL so far')
      },
      repaired: ({ repaired, left }) => {
        if (repaired.length > 0) this.#metrics.repairs.inc()
        const objects = ({ object }: { object: string }): string => object
        log.warn({ repaired: repaired.map(objects), left: left.map(objects) }, 'host repaired')
      },
      insideError: ({ message, details }) => {
        log.warn({ container: details['id'], reason: message }, 'refused inside a container')
      },
      hostSocket: ({ id, protocol, port, uid }) => {
        log.warn({ container: id, protocol, port, uid }, 'a socket of the host has a port of a container')
      },
      error: ({ message }) => {
        log.error({ reason: message }, 'tried again')
      },
    }
  }

  /** Cleans up containers that have ended without a DEL. */
  async #look(): Promise<void> {
    const { log, settings } = this.#surroundings
    if (this.#looking || this.#isolator.list().length === 0) return
    this.#looking = true
    try {
      const ended = this.#sweep.look(await this.#isolator.processes())
      if (ended.length > 0) await this.#isolator.remove(ended)
      for (const id of ended) {
        this.#metrics.lost.inc({ reason: 'sweep' })
        log.warn({ container: id, seconds: settings.sweep }, 'container had no process any more: cleaned up')
      }
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'sweep failed')
    } finally {
      this.#looking = false
    }
  }
}

async function listenWhere(server: Server, where: string, token: string | undefined): Promise<void> {
  if (where.includes('/')) {
    await listenOnSocket(server, where)
    return
  }
  const [, address = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(where) ?? []
  if (address === '' || Number(port) > 65535)
    throw new Error(`--http is '${where}': expected the path of a unix socket, or ADDRESS:PORT`)
  if (token === undefined)
    throw new Error(`--http ${where}: whoever reaches it could read it. Give --token-file as well`)
  await listenOnPort(server, address, Number(port))
}

function whereOf(server: Server): string {
  const where = server.address()
  return where === null || typeof where === 'string' ? String(where) : `${where.address}:${where.port}`
}
