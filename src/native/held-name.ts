import type { DescriptorHandle } from './addon.js'
import { peerCredentials } from './peer-credentials.js'
import { untilReadable } from './readable.js'
import { SystemError } from './system-error.js'
import { accept, listen, openSocket, passDescriptor, receiveDescriptor, tryCall } from './system-calls.js'

/** linux/socket.h, linux/net.h */
const AF_UNIX = 1
const SOCK_STREAM = 1

const EAGAIN = -11
const EADDRINUSE = -98
const ECONNREFUSED = -111

/** How many may wait in line: the kernel takes at most net.core.somaxconn. Others ask again until there is room. */
const LINE = 4096
/** Between two attempts to get into the line, where it is full or its holder is about to let go. */
const BETWEEN_ATTEMPTS_MS = 2

interface Place {
  /** At most 106 bytes. */
  readonly name: string
  /** File descriptor of the network namespace, -1 for the caller's. */
  readonly netns: number
}

/** Who holds a name, as `SO_PEERCRED` of its socket says to whoever connects. */
export interface Holder {
  /**
   * In the caller's pid namespace; undefined where it is none of that, or too many wait. The one who called `listen(2)` last: until
   * the next in line has its turn on a CPU, who handed the name over.
   */
  readonly pid: number | undefined
}

/**
 * A name in the abstract namespace of unix sockets, which each network namespace has one of (unix(7)). One at a time can
 * hold it. Those who wait connect to the holder's socket, and are in the kernel's queue; who lets go hands the socket itself to the
 * first of them, so that nobody who comes later can be quicker. When a holder dies, or one who was about to get the name, the
 * kernel closes the socket, and those who wait form the line anew. Nothing is handed to, or taken from, another user: one
 * who gave the socket to two at once would have both believe that they hold the name.
 */
export class HeldName {
  readonly #socket: DescriptorHandle
  /** The first who waits, once somebody has asked. */
  #first: DescriptorHandle | undefined

  private constructor(socket: DescriptorHandle) {
    this.#socket = socket
    try {
      // Also for one that was handed over: whoever asks from now on learns the pid of its new holder.
      listen(socket.fd, LINE)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  /** Holds the name, if nobody else does. Throws SystemError. */
  static try(place: Place): HeldName | undefined {
    const socket = socketIn(place)
    const result = tryCall('bind', socket.fd, ...addressOf(place))
    if (result === 0) return new HeldName(socket)
    socket.close()
    if (result === EADDRINUSE) return undefined
    throw new SystemError(result, 'bind')
  }

  /**
   * Holds the name once those who came earlier have let go; undefined where one process keeps it for longer than `patienceMs`
   * meanwhile.
   *
   * @param firstMs how much of that is left for the one who holds it now, if the caller has waited for it before. Default: all
   */
  static async wait(
    place: Place,
    patienceMs: number,
    firstMs: number = patienceMs,
  ): Promise<HeldName | undefined> {
    const first = HeldName.try(place)
    if (first) return first
    const patience = new Patience(place, patienceMs, firstMs)
    do {
      const handed = await inTurn(place, patience)
      const held = handed ? new HeldName(handed) : HeldName.try(place)
      if (held) return held
    } while (patience.remains())
    return undefined
  }

  /** Whoever holds the name; undefined where nobody does. */
  static holder(place: Place): Holder | undefined {
    const socket = socketIn(place)
    try {
      const result = tryCall('connect', socket.fd, ...addressOf(place))
      if (result === ECONNREFUSED) return undefined
      // So many have asked that no more fit into the line: somebody holds it.
      if (result === EAGAIN) return { pid: undefined }
      if (result !== 0) throw new SystemError(result, 'connect')
      return { pid: peerCredentials(socket.fd).pid || undefined }
    } finally {
      socket.close()
    }
  }

  /** Whether somebody waits for the name. */
  get isWanted(): boolean {
    if (this.#socket.fd >= 0) this.#first ??= firstInLine(this.#socket)
    return this.#first !== undefined
  }

  /** Lets go: the first who waits holds the name now. */
  close(): void {
    try {
      // Others can connect and go faster than they are passed over. The line forms anew once the socket is closed.
      for (let passedOver = 0; passedOver < LINE && this.#socket.fd >= 0; passedOver++) {
        const first = this.#first ?? firstInLine(this.#socket)
        this.#first = undefined
        if (!first || handOver(this.#socket, first)) break
      }
    } finally {
      this.#socket.close()
    }
  }
}

/** Struct sockaddr_un, and its length: a path that begins with NUL is a name, and ends with the length of the whole. */
function addressOf({ name }: Place): [address: Uint8Array, length: number] {
  const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer)
  const address = Buffer.concat([family, Buffer.from(`\0${name}`)])
  return [address, address.length]
}

const socketIn = ({ netns }: Place): DescriptorHandle => openSocket(netns, AF_UNIX, SOCK_STREAM, 0)

/** A connection to whoever holds the name; undefined where nobody does, or too many wait. */
function connected(place: Place): DescriptorHandle | undefined {
  const socket = socketIn(place)
  const result = tryCall('connect', socket.fd, ...addressOf(place))
  if (result === 0) return socket
  socket.close()
  if (result === ECONNREFUSED || result === EAGAIN) return undefined
  throw new SystemError(result, 'connect')
}

/** How long to wait for one holder: as long as one hands the name to the next, those who are in line do not give up. */
class Patience {
  readonly #place: Place
  readonly #ms: number
  #deadline: number
  #holder: number | undefined

  constructor(place: Place, ms: number, firstMs: number) {
    this.#place = place
    this.#ms = ms
    this.#deadline = performance.now() + firstMs
  }

  /** Notes who the holder is, when one begins to wait for it. */
  waitFor(holder: number): void {
    this.#holder ??= holder
  }

  /** How much is left for this holder, ms. */
  get left(): number {
    return Math.max(this.#deadline - performance.now(), 0)
  }

  /** Whether some is left, or another process is the holder by now. */
  remains(): boolean {
    if (this.left > 0) return true
    const holder = HeldName.holder(this.#place)?.pid
    if (holder === undefined || holder === this.#holder) return false
    this.#holder = holder
    this.#deadline = performance.now() + this.#ms
    return true
  }
}

/** Waits in line. What it gives is the socket that has the name; undefined where the line has come to its end, or patience has. */
async function inTurn(place: Place, patience: Patience): Promise<DescriptorHandle | undefined> {
  const socket = connected(place)
  if (!socket) {
    await new Promise(resolve => setTimeout(resolve, BETWEEN_ATTEMPTS_MS))
    return undefined
  }
  try {
    patience.waitFor(peerCredentials(socket.fd).pid)
    while (!(await untilReadable(socket.fd, patience.left))) if (!patience.remains()) return undefined
    if (!isOurs(socket)) return undefined
    return receiveDescriptor(socket.fd)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ECONNRESET') return undefined
    throw error
  } finally {
    socket.close()
  }
}

/** Undefined where nobody waits. Or there is no descriptor to spare: then the line forms anew once the socket is closed. */
function firstInLine({ fd }: DescriptorHandle): DescriptorHandle | undefined {
  try {
    return accept(fd)
  } catch {
    return undefined
  }
}

/** Hands the socket to one who waits. False where that one has gone. */
function handOver(socket: DescriptorHandle, first: DescriptorHandle): boolean {
  try {
    if (!isOurs(first)) return false
    passDescriptor(first.fd, socket.fd)
    return true
  } catch {
    return false
  } finally {
    first.close()
  }
}

/** Whether the process at the other end is of the same user as this one. */
const isOurs = ({ fd }: DescriptorHandle): boolean => peerCredentials(fd).uid === process.geteuid?.()
