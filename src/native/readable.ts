import { addToEpoll, openEpoll } from './system-calls.js'

/**
 * Resolves when a file descriptor can be read from, or has come to its end: to true, or to false once `timeoutMs` have
 * passed. A thread sleeps until then. Keeps the event loop alive.
 *
 * @throws SystemError where no thread or epoll instance can be made
 */
export async function untilReadable(fd: number, timeoutMs: number): Promise<boolean> {
  const epoll = openEpoll()
  let timer: NodeJS.Timeout | undefined
  try {
    addToEpoll(epoll.fd, fd)
    return await new Promise<boolean>(resolve => {
      // An I/O thread waits for the epoll instance as for a socket.
      epoll.onEvent = () => {
        resolve(true)
      }
      epoll.start()
      timer = setTimeout(resolve, timeoutMs, false)
    })
  } finally {
    clearTimeout(timer)
    epoll.close()
  }
}
