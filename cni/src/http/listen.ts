import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { connect, type AddressInfo, type Server } from 'node:net'
import { dirname } from 'node:path'

/**
 * Listens on a unix socket that its owner alone may open, root. Its folder is made where it is missing.
 *
 * @throws Error where somebody listens there already
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  await removeStale(path)
  // From the first moment on: what has been opened once stays open.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
    await once(server, 'listening')
  } finally {
    process.umask(umask)
  }
  chmodSync(path, 0o600)
}

/** Listens on a socket that a service manager has opened. */
export async function listenOnDescriptor(server: Server, fd: number): Promise<void> {
  server.listen({ fd })
  await once(server, 'listening')
}

/** Listens by TCP. */
export async function listenOnPort(server: Server, address: string, port: number): Promise<void> {
  server.listen(port, address)
  await once(server, 'listening')
}

/** The names by which HTTP requests may call a server. */
export function namesOf(server: Server): Set<string> {
  const where = server.address()
  if (where === null || typeof where === 'string') return new Set(['localhost'])
  const { address, family, port }: AddressInfo = where
  const own = family === 'IPv6' ? `[${address}]` : address
  return new Set([own, 'localhost', '127.0.0.1'].map(name => `${name}:${port}`))
}

/** Takes away the socket of a server that was killed. One that somebody listens at is not touched, nor is what is no socket. */
async function removeStale(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) return
  if (!there.isSocket()) throw new Error(`${path} is no socket: it is left as it is`)
  const probe = connect(path)
  const error = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
    probe.once('connect', () => {
      resolve(undefined)
    })
    probe.once('error', resolve)
  })
  probe.destroy()
  if (!error) throw new Error(`somebody listens on ${path} already`)
  if (error.code === 'ECONNREFUSED') rmSync(path)
  else if (error.code !== 'ENOENT') throw error
}
