import { binding, type HeldName } from '../../native/binding.js'
import { SystemError } from '../../native/system-error.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'
import { sleep } from '../kernel/sleep.js'

/** The name that is held in the host's network namespace, as `ss` shows it. */
export const HOST_LOCK = '@rtnetlink/port_mapping'

/** How long to wait for another: to destroy an isolator of 1,000 containers takes seconds. */
const PATIENCE_MS = 30_000
const BETWEEN_TRIES_MS = 10

/**
 * Does the work while nobody else, in any process, does such work on the same host: what `create()` puts there and
 * `destroy()` takes away is theirs together, and so is the record of what it was like before. The kernel forgets a holder
 * that dies.
 *
 * @throws IsolatorError ERR_HOST_BUSY where somebody else does not come to an end; nothing is done then
 */
export async function aloneOnHost<T>(
  netns: NetworkNamespace,
  work: () => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const lock = await acquire(netns, patienceMs)
  try {
    return await work()
  } finally {
    lock.close()
  }
}

async function acquire(netns: NetworkNamespace, patienceMs: number): Promise<HeldName> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const lock = tryToHold(netns)
    if (lock) return lock
    if (performance.now() >= deadline) throw busy(patienceMs)
    await sleep(BETWEEN_TRIES_MS)
  }
}

/** Undefined where somebody else holds it. */
function tryToHold({ fd }: NetworkNamespace): HeldName | undefined {
  try {
    return new (binding().HeldName)(HOST_LOCK.slice(1), fd)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}

const busy = (patienceMs: number): IsolatorError =>
  new IsolatorError(
    'ERR_HOST_BUSY',
    `another create() or destroy() on this host has not ended within ${patienceMs / 1000} s: ` +
      `ss -xap shows who holds ${HOST_LOCK} in the host's network namespace`,
    { details: { name: HOST_LOCK } },
  )
