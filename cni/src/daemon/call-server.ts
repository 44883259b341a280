import { createServer, type Server, type Socket } from 'node:net'
import { peerCredentials } from 'rtnetlink'
import { isOnHost } from '../http/caller.js'
import type { Call, Reply } from '../spec/call.js'
import { CniError, CODE, errorResult } from '../spec/cni-error.js'
import { NEWEST } from '../spec/versions.js'
import { readCall, writeReply } from './call-frame.js'
import { Places } from './places.js'
import { Turns } from './turns.js'

/** What one connection, and all of them together, may take. */
export interface CallLimits {
  /** Bytes of a call. */
  readonly bytes: number
  /** How long a client may take to send its call, and then to read the reply: ms. */
  readonly patience: number
  /** Connections in progress; later ones wait. */
  readonly connections: number
}

/** How long a refused client may go on sending. */
const PASSED_OVER_MS = 1000

export const CALL_LIMITS: CallLimits = { bytes: 1 << 20, patience: 10_000, connections: 64 }

export interface CallServerOptions {
  /** Does what a call asks for. */
  readonly answer: (call: Call) => Promise<Reply>
  /** A caller was refused before it said anything, or said what is no call. */
  readonly refused: (error: CniError, pid: number) => void
  readonly limits?: Partial<CallLimits>
}

/** Answers clients, cni/client/rtnetlink-cni.c. Its caller has `server` listen; `close` waits for the calls that are under way. */
export class CallServer {
  readonly server: Server
  readonly #options: CallServerOptions
  readonly #limits: CallLimits
  readonly #places: Places
  readonly #turns = new Turns()
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: CallServerOptions) {
    this.#options = options
    this.#limits = { ...CALL_LIMITS, ...options.limits }
    this.#places = new Places(this.#limits.connections)
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, socket => {
      const serving = this.#serve(socket)
      this.#underWay.add(serving)
      void serving.finally(() => this.#underWay.delete(serving))
    })
  }

  /** Takes no more connections, and resolves once those that are under way have ended. */
  async close(): Promise<void> {
    this.server.close()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** Never rejects. */
  async #serve(socket: Socket): Promise<void> {
    // A client that is gone: its call goes on, and nobody reads the reply.
    socket.on('error', () => undefined)
    const leave = await this.#places.take()
    let pid = 0
    let reply: Reply
    try {
      pid = this.#callerOf(socket)
      const call = withHandleOf(pid, readCall(await received(socket, this.#limits)))
      const { CNI_CONTAINERID, CNI_COMMAND = '' } = call.environment
      reply = await this.#turns.take(CNI_CONTAINERID ?? CNI_COMMAND, () => this.#options.answer(call))
    } catch (error) {
      const known =
        error instanceof CniError ? error : new CniError(CODE.unexpected, (error as Error).message)
      this.#options.refused(known, pid)
      reply = { status: 1, output: `${JSON.stringify(errorResult(NEWEST, known))}\n` }
      await passedOver(socket)
    }
    await sent(socket, writeReply(reply), this.#limits.patience)
    leave()
  }

  /** The pid of a caller who may call. @throws CniError 5 */
  #callerOf(socket: Socket): number {
    const { uid, pid } = peerCredentials(socket)
    if (uid !== 0 && uid !== process.geteuid?.())
      throw new CniError(CODE.inputOutput, `rtnetlinkd is for root: the caller has the user id ${uid}`)
    if (!isOnHost(pid))
      throw new CniError(
        CODE.inputOutput,
        "rtnetlinkd is for the host: the caller is in another network namespace, which could be a container's",
      )
    return pid
  }
}

/** The client's descriptor by the number that the client has here: it may be in another pid namespace. */
function withHandleOf(pid: number, { environment, input }: Call): Call {
  const { RTNETLINK_NETNS, ...others } = environment
  const [, fd] = /^\/proc\/\d+\/fd\/(\d+)$/.exec(RTNETLINK_NETNS ?? '') ?? []
  return {
    environment: fd === undefined ? others : { ...others, RTNETLINK_NETNS: `/proc/${pid}/fd/${fd}` },
    input,
  }
}

/** All that the client sends. @throws CniError 6 for too much, 11 for too slow */
function received(socket: Socket, { bytes, patience }: CallLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let size = 0
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      socket.removeAllListeners('data').pause()
      act()
    }
    const fail = (error: CniError): void => {
      settle(() => {
        reject(error)
      })
    }
    const timer = setTimeout(() => {
      fail(new CniError(CODE.tryAgainLater, `the call did not come to its end within ${patience} ms`))
    }, patience)
    socket.on('data', (piece: Buffer) => {
      size += piece.length
      pieces.push(piece)
      if (size > bytes) fail(new CniError(CODE.decoding, `the call has more than ${bytes} bytes`))
    })
    socket.once('end', () => {
      settle(() => {
        resolve(Buffer.concat(pieces))
      })
    })
    socket.once('close', () => {
      fail(new CniError(CODE.invalidEnvironment, 'the client has ended'))
    })
    socket.resume()
  })
}

/**
 * Reads what a refused client still sends, and throws it away: a connection that is closed with something unread is reset, and the
 * client may never see the reply.
 */
function passedOver(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    if (socket.destroyed || socket.readableEnded) {
      resolve()
      return
    }
    const timer = setTimeout(resolve, PASSED_OVER_MS)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    socket.once('end', done).once('close', done).resume()
  })
}

/** Resolves once the client has the reply, or will not have it. */
function sent(socket: Socket, text: string, patience: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      socket.destroy()
    }, patience)
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve()
    }
    if (socket.destroyed) {
      done()
      return
    }
    socket.once('close', done)
    socket.end(text, done)
  })
}
