import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, rmSync } from 'node:fs'
import type { Server, ServerOptions } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

/** What one client may take: no header or body that comes by the drop keeps a connection for long. */
export const LIMITS: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
/** Connections at a time: each is a descriptor. */
export const MAX_CONNECTIONS = 64
/** A connection on which nothing happens for so long is closed, whatever it waits for. */
export const IDLE_MS = 30_000

const OWNER_ONLY = 0o600
const OWNER_AND_GROUP = 0o660

/**
 * Listens on a unix socket that root may open, and the group if one is named.
 *
 * @returns the names by which requests may call this server
 */
export async function listenOnSocket(
  server: Server,
  path: string,
  group: string | undefined,
): Promise<Set<string>> {
  const gid = group === undefined ? undefined : gidOf(group)
  await removeStale(path)
  // From the first moment on: what has been opened once stays open.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
    await once(server, 'listening')
  } finally {
    process.umask(umask)
  }
  if (gid !== undefined) chownSync(path, 0, gid)
  chmodSync(path, gid === undefined ? OWNER_ONLY : OWNER_AND_GROUP)
  return new Set(['localhost'])
}

/** Listens by TCP; likewise. */
export async function listenOnPort(server: Server, ip: string, port: number): Promise<Set<string>> {
  server.listen(port, ip)
  await once(server, 'listening')
  const { port: given } = server.address() as AddressInfo
  return new Set([ip, 'localhost', '127.0.0.1'].map(name => `${name}:${given}`))
}

function gidOf(group: string): number {
  if (/^\d+$/.test(group)) return Number(group)
  const { stdout } = spawnSync('getent', ['group', group], { encoding: 'utf8' })
  const gid = stdout?.split(':')[2]
  if (gid === undefined) throw new Error(`--socket_group: there is no group '${group}'`)
  return Number(gid)
}

/** Takes away the socket of an agent that was killed. One that somebody listens at is not touched. */
async function removeStale(path: string): Promise<void> {
  const probe = connect(path)
  const error = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
    probe.once('connect', () => {
      resolve(undefined)
    })
    probe.once('error', resolve)
  })
  probe.destroy()
  if (!error) throw new Error(`another agent listens on ${path}`)
  if (error.code === 'ECONNREFUSED') rmSync(path)
  else if (error.code !== 'ENOENT') throw error
}
