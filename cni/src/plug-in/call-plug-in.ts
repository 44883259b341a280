import { closeSync, constants, openSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Call, Reply } from '../spec/call.js'
import { CniError, CODE } from '../spec/cni-error.js'

/** Where rtnetlinkd listens. */
const SOCKET = '/run/rtnetlink/cni.sock'

/**
 * Has the plug-in do a call: the daemon, or, where none listens, this process.
 *
 * @param path of the daemon's socket
 * @throws CniError 5 where the socket cannot be used, 11 where the daemon ends before it has answered
 */
export async function callPlugIn(
  call: Call,
  path = process.env['RTNETLINK_CNI_SOCKET'] ?? SOCKET,
): Promise<Reply> {
  const daemon = await connected(path)
  if (daemon) return askDaemon(daemon, call)
  // Loads the library, which who asks a daemon can do without.
  const [{ invoke }, { isolatorsOfOneCall }] = await Promise.all([
    import('./invoke.js'),
    import('./isolators-of-one-call.js'),
  ])
  return invoke(call, isolatorsOfOneCall)
}

/** undefined where nobody listens. */
async function connected(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    throw new CniError(CODE.inputOutput, `${path}: ${message}`)
  }
}

/** All that arrives. One that answers without having read everything closes the connection in a way that is an error here. */
async function textUntilClosed(socket: Socket): Promise<string> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => undefined)
  await once(socket, 'close').catch(() => undefined)
  return Buffer.concat(pieces).toString()
}

/** As the client in C does, which has the protocol in its first lines. */
async function askDaemon(daemon: Socket, { environment, input }: Call): Promise<Reply> {
  const netns = openedNamespace(environment)
  const reply = await replyOf(daemon, input, {
    ...environment,
    ...(netns !== undefined && { RTNETLINK_NETNS: `/proc/${process.pid}/fd/${netns}` }),
  }).finally(() => {
    if (netns !== undefined) closeSync(netns)
  })
  const [, status, output] = /^([01])\n([^\0]*)\0$/.exec(reply) ?? []
  if (status !== undefined && output !== undefined) return { status: status === '0' ? 0 : 1, output }
  throw new CniError(CODE.tryAgainLater, 'rtnetlinkd ended during this call: call again')
}

async function replyOf(daemon: Socket, input: string, environment: Call['environment']): Promise<string> {
  const variables = Object.entries(environment).map(([name, value = '']) => `${name}=${value}\0`)
  daemon.end(`${variables.join('')}\0${input}`)
  return await textUntilClosed(daemon)
}

/** The namespace by a descriptor of this process: the daemon may be in a mount namespace where its name is not. That of a DEL may be gone. */
function openedNamespace({ CNI_NETNS = '' }: Call['environment']): number | undefined {
  if (CNI_NETNS === '') return undefined
  try {
    return openSync(CNI_NETNS, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}
