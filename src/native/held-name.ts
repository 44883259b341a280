import type { DescriptorHandle } from './addon.js'
import { bind, openSocket } from './system-calls.js'

/** linux/socket.h, linux/net.h */
const AF_UNIX = 1
const SOCK_STREAM = 1

/**
 * A name in the abstract namespace of unix sockets, which each network namespace has one of (unix(7)): only one can hold it
 * at a time, and it is free again on `close()`, or when the process or worker thread ends, in whatever way.
 */
export class HeldName {
  readonly #handle: DescriptorHandle

  /**
   * Throws SystemError `EADDRINUSE` where somebody holds the name.
   *
   * @param name at most 107 bytes
   * @param netns file descriptor of the network namespace, -1 for the caller's
   */
  constructor(name: string, netns: number) {
    // struct sockaddr_un: a path that begins with NUL is a name, and no end of it but the length of the whole
    const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer)
    const address = Buffer.concat([family, Buffer.from(`\0${name}`)])
    this.#handle = openSocket(netns, AF_UNIX, SOCK_STREAM, 0)
    try {
      bind(this.#handle.fd, address)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#handle.close()
  }
}
