import { binding, type HeldName } from '../../native/binding.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'

/** The name that is held in the host's network namespace, as `ss` shows it. */
export const HOST_LOCK = '@rtnetlink/port_mapping'

/** How long to wait for others: to destroy an isolator of 1,000 containers takes seconds. */
const PATIENCE_MS = 30_000

/**
 * Does the work while nobody else, in any process, does such work on the same host: what `create()` puts there and
 * `destroy()` takes away is theirs together, and so is the record of what it was like before. Those who wait come in the
 * order in which they asked; the kernel forgets a holder that dies.
 *
 * @throws IsolatorError ERR_HOST_BUSY where the others do not come to an end; nothing is done then
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

async function acquire({ fd }: NetworkNamespace, patienceMs: number): Promise<HeldName> {
  const { HeldName } = binding()
  const place = { name: HOST_LOCK.slice(1), netns: fd }
  const lock = await HeldName.wait(place, patienceMs)
  if (lock) return lock
  throw busy(patienceMs, HeldName.holder(place))
}

function busy(patienceMs: number, pid: number | undefined): IsolatorError {
  const holder = pid === undefined ? 'a process of another pid namespace' : `process ${pid}`
  return new IsolatorError(
    'ERR_HOST_BUSY',
    `${holder} has not ended what it does to this host within ${patienceMs / 1000} s: ` +
      `ss -xap shows who holds ${HOST_LOCK} in the host's network namespace`,
    { details: { name: HOST_LOCK, ...(pid !== undefined && { pid }) } },
  )
}
