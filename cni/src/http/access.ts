import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ContainerInfo } from 'rtnetlink'
import { isOnHost, pidOf } from './caller.js'

/** Why a request is not listened to. */
export interface Refusal {
  readonly status: number
  readonly error: string
}

/** How requests may call the server, and what they have to show. */
export interface Admission {
  readonly hosts: ReadonlySet<string>
  readonly token: string | undefined
}

/** The token that requests by TCP have to show: what is in a file that only root should read. */
export function readToken(file: string): string {
  const token = readFileSync(file, 'utf8').trim()
  if (token.length < 16) throw new Error(`${file}: expected a token of at least 16 characters`)
  return token
}

/**
 * Whether a connection comes from inside a container. Close such a connection before it sends anything, so that it holds
 * neither a descriptor nor a place among the connections.
 *
 * A unix socket is a file, which a container that shares the file system can open: every peer in another network namespace than
 * the host's counts as a container. By TCP the port decides: packets of a container come from its own ports, and from an address of
 * this host.
 */
export function isFromContainer(
  socket: Socket,
  containers: readonly Pick<ContainerInfo, 'ports' | 'ephemeralPorts'>[],
): boolean {
  const { remoteAddress, remotePort } = socket
  if (remotePort === undefined) return !isOnHost(pidOf(socket))
  return (
    isAddressOfHost(remoteAddress) &&
    containers.some(({ ports, ephemeralPorts }) =>
      [...ports, ephemeralPorts].some(([first, last]) => first <= remotePort && remotePort <= last),
    )
  )
}

/** Undefined for a connection that has ended. */
function isAddressOfHost(given: string | undefined): boolean {
  // A listener for both families has IPv4 addresses in this form.
  const address = given?.replace(/^::ffff:/, '') ?? ''
  if (address.startsWith('127.') || address === '::1') return true
  return Object.values(networkInterfaces()).some(list => list?.some(own => own.address === address))
}

/**
 * Why a request is refused, if it is. Whoever may ask here is root: who can open the unix socket is so by the
 * file's mode; by TCP a token says so. A web page that a browser on this host shows is neither: its requests have headers
 * that no program sends, and where its name has been pointed at this host (DNS rebinding), a Host that is not ours.
 */
export function refusalOf(request: IncomingMessage, { hosts, token }: Admission): Refusal | undefined {
  const { host = '', authorization = '', 'content-type': contentType = '' } = request.headers
  if (Object.keys(request.headers).some(name => name === 'origin' || name.startsWith('sec-fetch-')))
    return { status: 403, error: 'a browser sends Origin or Sec-Fetch headers: this is not for web pages' }
  if (!hosts.has(host.toLowerCase()))
    return { status: 421, error: `Host is '${host}': expected ${[...hosts].join(' or ')}` }
  if (token !== undefined && !isSame(authorization, `Bearer ${token}`))
    return { status: 401, error: 'expected Authorization: Bearer, and the token of the token file' }
  if (request.method === 'POST' && !/^application\/json\s*(;|$)/i.test(contentType))
    return { status: 415, error: 'expected Content-Type: application/json' }
  return undefined
}

/** Takes as long whatever the difference is. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(one), hash(other))
}
