import { addon, DATAGRAM_SIZE, type DescriptorHandle, type OnEvent } from './addon.js'
import { bind, getSocketOption, openSocket, setSocketOption, tryCall } from './system-calls.js'
import { SystemError } from './system-error.js'

/** linux/socket.h, linux/net.h, asm-generic/socket.h */
const AF_NETLINK = 16
const SOCK_RAW = 3
const SOL_SOCKET = 1
const SOL_NETLINK = 270
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33

/** linux/netlink.h */
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_DROP_MEMBERSHIP = 2
const OPTIONS_SET_ON_EVERY_SOCKET = {
  NETLINK_CAP_ACK: 10,
  NETLINK_EXT_ACK: 11,
  NETLINK_GET_STRICT_CHK: 12,
}

/** linux/sockios.h, linux/if.h: a struct ifreq is a name and a union, of which we use the index. */
const SIOCGIFNAME = 0x8910
const SIOCGIFINDEX = 0x8933
const IFNAMSIZ = 16
const SIZEOF_IFREQ = 40

/** The struct ifreq of all calls: each fills in what it asks, and reads the answer before another can begin. */
const ifreqBytes = Buffer.alloc(SIZEOF_IFREQ)
const ifreqIndex = new Int32Array(ifreqBytes.buffer, ifreqBytes.byteOffset + IFNAMSIZ, 1)

const EPERM = -1
const EBADF = -9
const ENODEV = -19
const ENOPROTOOPT = -92

/** Sockets whose events have to arrive even if nothing else refers to them any more. */
const inUse = new Set<NativeSocket>()

/**
 * One netlink socket, bound to a port id that the kernel chooses. It is used either synchronously or, once
 * `start`ed, through an I/O thread of its own. Datagrams that do not come from the kernel are dropped.
 *
 * Every method but `close`, `ref` and `unref` throws EBADF once it is closed. An idle socket that nothing
 * refers to is closed when it is collected; idle means: not `ref`ed, no request under way, no group joined.
 */
export class NativeSocket implements AsyncDisposable {
  /**
   * The options that this kernel is too old for, of NETLINK_EXT_ACK, NETLINK_CAP_ACK and
   * NETLINK_GET_STRICT_CHK.
   */
  readonly refusedOptions: readonly string[]

  readonly #handle: DescriptorHandle
  /** Where synchronous calls receive. */
  #room: Buffer | undefined
  /** The part of it that was used last: to make another takes time, and acknowledgements have the same length. */
  #received: Buffer | undefined
  #fd: number
  #started = false
  /** Resolves when the file descriptor is closed. */
  #closed: Promise<void> | undefined
  #referenced = false
  #requestsUnderWay = 0
  #moreToCome = false
  readonly #groups = new Set<number>()

  /**
   * @param protocol NETLINK_ROUTE is 0
   * @param netns file descriptor of the network namespace to open it in, -1 for the caller's
   */
  constructor(protocol: number, netns: number) {
    this.#handle = openSocket(netns, AF_NETLINK, SOCK_RAW, protocol)
    this.#fd = this.#handle.fd
    try {
      // struct sockaddr_nl: family and padding, port id, groups
      bind(this.#fd, new Uint8Array(Uint16Array.of(AF_NETLINK, 0, 0, 0, 0, 0).buffer))
      this.refusedOptions = Object.entries(OPTIONS_SET_ON_EVERY_SOCKET)
        .filter(([, option]) => !this.#tryOption(SOL_NETLINK, option, 1, ENOPROTOOPT))
        .map(([name]) => name)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** The file descriptor, -1 once closed. It belongs to this object. */
  get fd(): number {
    return this.#fd
  }

  /**
   * Sets the receive buffer and returns its size as the kernel counts it, which is twice the bytes asked for.
   * Without CAP_NET_ADMIN in the first user namespace `net.core.rmem_max` limits it (SO_RCVBUFFORCE,
   * SO_RCVBUF).
   */
  setReceiveBuffer(bytes: number): number {
    return this.#setBuffer(bytes, SO_RCVBUFFORCE, SO_RCVBUF)
  }

  /** The same for the send buffer, which bounds the size of one request. */
  setSendBuffer(bytes: number): number {
    return this.#setBuffer(bytes, SO_SNDBUFFORCE, SO_SNDBUF)
  }

  /** Joins a multicast group, by number (not by mask). */
  join(group: number): void {
    setSocketOption(this.#fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    this.#groups.add(group)
    this.#settle()
  }

  leave(group: number): void {
    setSocketOption(this.#fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group)
    this.#groups.delete(group)
    this.#settle()
  }

  /**
   * The index of an interface of the socket's namespace, 0 if there is none of that name. Takes no lock. For
   * a name that does not exist the kernel asks for a module `netdev-<name>`, where the caller may load
   * modules (dev_load in net/core/dev_ioctl.c).
   */
  interfaceIndex(name: string): number {
    // The kernel would cut a name at a colon or a NUL; no interface has either in its name.
    if (Buffer.byteLength(name) >= IFNAMSIZ || /[:\0]/.test(name)) return 0
    ifreqBytes.fill(0).write(name)
    return this.#ioctl(SIOCGIFINDEX, ifreqBytes) ? (ifreqIndex[0] ?? 0) : 0
  }

  /** The name of an interface of the socket's namespace, undefined if there is none. Takes no lock. */
  interfaceName(index: number): string | undefined {
    ifreqIndex[0] = index
    if (!this.#ioctl(SIOCGIFNAME, ifreqBytes)) return undefined
    return ifreqBytes.toString('utf8', 0, ifreqBytes.indexOf(0))
  }

  /**
   * Starts the I/O thread, which then does all sending and receiving. It does not keep the loop alive: see
   * `ref`. If there can be no thread (EAGAIN, EMFILE) the socket is closed.
   */
  start(onEvent: OnEvent): void {
    this.#assertSynchronous('pthread_create')
    try {
      this.#handle.onEvent = (chunk, token, sendErrno, receiveErrno, more) => {
        if (token !== 0) this.#requestsUnderWay--
        this.#moreToCome = more
        this.#settle()
        onEvent(chunk, token, sendErrno, receiveErrno)
      }
      this.#handle.start()
      this.#started = true
    } catch (error) {
      this.close()
      throw error
    }
  }

  /**
   * Copies and queues `bytes`. The I/O thread sends them, which runs the request in the kernel, reads until
   * nothing is left (or 1 MiB is full, or 8 MiB wait for the event loop) and reports all of it in one event
   * with `token`, a positive integer.
   */
  send(bytes: Uint8Array, token: number): void {
    this.#assertStarted('sendto')
    this.#handle.send(bytes, token)
    this.#requestsUnderWay++
    this.#settle()
  }

  /** Stops reading: messages stay in the kernel's queue until it overflows. Requests are still sent. */
  pause(): void {
    this.#assertStarted('recvfrom')
    this.#handle.setPaused(true)
  }

  resume(): void {
    this.#assertStarted('recvfrom')
    this.#handle.setPaused(false)
  }

  /**
   * Sends `bytes`, which runs the request in the kernel, and waits for the first datagram that comes back: up to
   * `timeoutMs` after that, then ETIMEDOUT is thrown. Blocks the thread. What it returns is good until the next call.
   */
  exchangeSync(bytes: Uint8Array, timeoutMs: number): Buffer {
    this.#assertSynchronous('sendto')
    return this.#exchange(bytes, timeoutMs)
  }

  /** Waits for the next datagram, up to `timeoutMs`. */
  receiveSync(timeoutMs: number): Buffer {
    this.#assertSynchronous('recvfrom')
    return this.#exchange(undefined, timeoutMs)
  }

  #exchange(bytes: Uint8Array | undefined, timeoutMs: number): Buffer {
    this.#room ??= Buffer.allocUnsafeSlow(DATAGRAM_SIZE)
    const length = addon().exchangeSync(this.#fd, bytes, this.#room, timeoutMs)
    if (this.#received?.length !== length) this.#received = this.#room.subarray(0, length)
    return this.#received
  }

  /** Keeps the event loop alive, until `unref`. A socket starts without. */
  ref(): void {
    this.#setReferenced(true)
  }

  unref(): void {
    this.#setReferenced(false)
  }

  /**
   * Closes the socket; no event is reported any more. A request that the kernel is running is not
   * interrupted: the thread closes the file descriptor when it is done, which otherwise takes microseconds.
   */
  close(): void {
    if (this.#fd < 0) return
    this.#setReferenced(false)
    this.#closed = new Promise(resolve => {
      addon().close(this.#handle, resolve)
    })
    this.#fd = -1
    this.#settle()
  }

  /** Closes the socket, and resolves when its file descriptor is closed. Keeps the event loop alive until then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    addon().hold()
    try {
      await this.#closed
    } finally {
      addon().release()
    }
  }

  /** False if setting it fails with the errno `refusal`. */
  #tryOption(level: number, option: number, value: number, refusal: number): boolean {
    try {
      setSocketOption(this.#fd, level, option, value)
      return true
    } catch (error) {
      if (error instanceof SystemError && error.errno === refusal) return false
      throw error
    }
  }

  #setBuffer(bytes: number, forced: number, option: number): number {
    if (!this.#tryOption(SOL_SOCKET, forced, bytes, EPERM)) {
      setSocketOption(this.#fd, SOL_SOCKET, option, bytes)
    }
    return getSocketOption(this.#fd, SOL_SOCKET, option)
  }

  /** False if there is no such interface. */
  #ioctl(request: number, bytes: Uint8Array): boolean {
    const errno = tryCall('ioctl', this.#fd, request, bytes)
    if (errno !== 0 && errno !== ENODEV) throw new SystemError(errno, 'ioctl')
    return errno === 0
  }

  #setReferenced(referenced: boolean): void {
    if (this.#fd < 0 || this.#referenced === referenced) return
    this.#referenced = referenced
    if (referenced) addon().hold()
    else addon().release()
    this.#settle()
  }

  #settle(): void {
    const idle =
      !this.#referenced && this.#requestsUnderWay === 0 && !this.#moreToCome && this.#groups.size === 0
    if (idle || this.#fd < 0) inUse.delete(this)
    else inUse.add(this)
  }

  #assertOpen(syscall: string): void {
    if (this.#fd < 0) throw new SystemError(EBADF, syscall)
  }

  #assertStarted(syscall: string): void {
    this.#assertOpen(syscall)
    if (!this.#started) throw new Error(`${syscall}: the socket is not started`)
  }

  #assertSynchronous(syscall: string): void {
    this.#assertOpen(syscall)
    if (this.#started)
      throw new Error(`${syscall}: the socket is started, its I/O thread alone sends and receives`)
  }
}
