import { writeSync } from 'node:fs'
import { binding } from 'rtnetlink'

/** linux/socket.h, linux/net.h */
const AF_UNIX = 1
const SOCK_DGRAM = 2

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Tells the service manager how the daemon fares, by the protocol of sd_notify(3): datagrams to the unix socket that NOTIFY_SOCKET
 * names. Node has no such sockets, the library has; `write(2)` sends one once it is connected. Without NOTIFY_SOCKET
 * no message is sent.
 */
export class ServiceManager {
  readonly #path: string | undefined
  readonly #failed: (error: Error) => void
  /** How often to say that the daemon is alive, ms: half of what systemd waits (sd_watchdog_enabled(3)). */
  readonly #aliveEvery: number | undefined
  #alive: NodeJS.Timeout | undefined

  /** @param failed is called if a message could not be sent, with the reason; the daemon goes on */
  constructor(environment: Environment, failed: (error: Error) => void) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID = String(process.pid) } = environment
    this.#path = NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET
    this.#failed = failed
    const microseconds = WATCHDOG_PID === String(process.pid) ? Number(WATCHDOG_USEC) : NaN
    this.#aliveEvery = microseconds > 0 ? microseconds / 2000 : undefined
  }

  /** From now on the daemon takes calls, and says from time to time that it is alive. */
  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${oneLine(status)}`)
    if (this.#aliveEvery === undefined || this.#path === undefined) return
    this.#alive ??= setInterval(() => {
      this.#tell('WATCHDOG=1')
    }, this.#aliveEvery)
  }

  status(text: string): void {
    this.#tell(`STATUS=${oneLine(text)}`)
  }

  stopping(): void {
    this.#tell('STOPPING=1')
  }

  close(): void {
    clearInterval(this.#alive)
  }

  /** A socket each time: systemd makes its own anew when it is updated. */
  #tell(message: string): void {
    if (this.#path === undefined) return
    try {
      const { openSocket, connect } = binding()
      const socket = openSocket(-1, AF_UNIX, SOCK_DGRAM, 0)
      try {
        connect(socket.fd, addressOf(this.#path))
        writeSync(socket.fd, message)
      } finally {
        socket.close()
      }
    } catch (error) {
      this.#failed(error as Error)
    }
  }
}

/** Struct sockaddr_un: a path, or a name in the abstract namespace, which is written with @ and begins with NUL. */
function addressOf(path: string): Uint8Array {
  const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer)
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`
  return Buffer.concat([family, Buffer.from(name)])
}

/** A further line would be a further assignment. */
const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ')
