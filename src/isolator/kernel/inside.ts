import { abortable, whenAborted } from '../../netlink/abortable.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { SystemError } from '../../native/system-error.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { SockDiagSocket } from '../../sock-diag/index.js'
import { IsolatorError } from '../isolator-error.js'
import { isExhaustion } from './exhaustion.js'
import { sleep } from './sleep.js'

/** How long the inside of a container may keep a call waiting, ms. */
const TIME_LIMIT_MS = 1000
const TICKS = 10

/** How long a socket that is closed inside a container may keep a call waiting, ms. */
const CLOSING_MS = 100

/**
 * Does work inside a container's network namespace, where root can have made anything as large, as slow or as fickle as
 * the kernel allows: after a second nobody waits for it any more.
 *
 * @param work closes what it opened when its signal aborts
 * @throws IsolatorError ERR_INSIDE_CONTAINER naming the container; other IsolatorErrors of the work with its name
 */
export async function insideOf<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController()
  const done = new AbortController()
  void timeOfTheInside(done.signal).then(
    () => {
      limit.abort(new Error(`no answer within ${TIME_LIMIT_MS / 1000} s`))
    },
    () => undefined,
  )
  try {
    return await abortable(work(limit.signal), limit.signal)
  } catch (error) {
    throw error instanceof SystemError && isExhaustion(error) ? error : insideError(id, error)
  } finally {
    done.abort()
  }
}

/**
 * Resolves when the inside has had its time, and rejects when `done` aborts. It counts ticks: while the process is stopped,
 * its event loop is held up, or anybody keeps the RTNL lock, which all namespaces share, no container keeps it waiting.
 */
async function timeOfTheInside(done: AbortSignal): Promise<void> {
  let outside: RtnetlinkSocket | undefined
  try {
    for (let tick = 0; tick < TICKS; tick++) {
      await sleep(TIME_LIMIT_MS / TICKS, { signal: done })
      // Any link would do: the kernel looks for it under the lock (rtnl_getlink). Without an answer the tick counts too.
      outside ??= await RtnetlinkSocket.open().catch(() => undefined)
      await abortable(Promise.resolve(outside?.links.get('lo')), done).catch(() => undefined)
    }
    done.throwIfAborted()
  } finally {
    outside?.close()
  }
}

/**
 * Runs `use` with a socket inside the namespace, which is closed afterwards: it would keep the namespace alive. When the
 * signal aborts it is closed at once, and what `use` waits for is rejected.
 */
export const withSocketInside = async <T>(
  netns: NetworkNamespace,
  signal: AbortSignal,
  use: (rt: RtnetlinkSocket) => Promise<T>,
): Promise<T> => closing(await RtnetlinkSocket.open({ netns }), signal, use)

/** The same for a socket that lists sockets. */
export const withSocketsInside = async <T>(
  netns: NetworkNamespace,
  signal: AbortSignal,
  use: (sockets: SockDiagSocket) => Promise<T>,
): Promise<T> => closing(await SockDiagSocket.open({ netns }), signal, use)

/** Runs `use`, and closes the socket afterwards, or when the signal aborts. Its descriptors are free when this resolves. */
export async function closing<Socket extends AsyncDisposable & { close(): void }, T>(
  socket: Socket,
  signal: AbortSignal,
  use: (socket: Socket) => Promise<T>,
): Promise<T> {
  const stopWaiting = whenAborted(signal, () => {
    socket.close()
  })
  try {
    return await use(socket)
  } finally {
    stopWaiting()
    await socket[Symbol.asyncDispose]()
  }
}

/**
 * Closes a socket inside a container. Resolves when its descriptors are free: at once, unless the kernel is still carrying out a
 * request that nobody waits for any more. Such a request keeps the caller for 100 ms at most.
 */
export async function closeSocketInside(socket: AsyncDisposable | undefined): Promise<void> {
  if (!socket) return
  const closed = new AbortController()
  void socket[Symbol.asyncDispose]().then(() => {
    closed.abort()
  })
  await sleep(CLOSING_MS, closed).catch(() => undefined)
}

/** Whether an error says that the inside of a container refused something or did not answer. */
export const isInsideError = (error: unknown): error is IsolatorError =>
  error instanceof IsolatorError && error.code === 'ERR_INSIDE_CONTAINER'

/** The error with the name of the container in whose namespace it arose. */
export function insideError(id: string, error: unknown): IsolatorError {
  if (isInsideError(error)) return error
  const { message } = error as Error
  const inside = `the inside of '${id}': ${message}`
  if (error instanceof IsolatorError)
    return new IsolatorError(error.code, inside, { details: { ...error.details, id }, cause: error })
  return new IsolatorError('ERR_INSIDE_CONTAINER', inside, { details: { id }, cause: error })
}
