import { binding, type HeldName, type Holder } from '../../native/binding.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'

/** The name that is held in the host's network namespace, as `ss` shows it. */
export const HOST_LOCK = '@rtnetlink/port_mapping'
/** The name that one holds who keeps all others out, for as long as its isolator is open. */
const EXCLUSIVE = '@rtnetlink/port_mapping/exclusive'

/** How long one of the others may keep those who come later waiting: to destroy an isolator of 1,000 containers takes seconds. */
export const PATIENCE_MS = 30_000

/** How to be alone. */
interface Alone {
  /** How long one of the others may keep the caller waiting. Default: 30 s. */
  readonly patienceMs?: number
  /** How much of that is left for the one who is alone now. Default: all of it. */
  readonly firstMs?: number
}

/**
 * Does the work while nobody else, in any process, does such work on the same host: what `create()` puts there and
 * `destroy()` takes away is theirs together, and so is the record of what it was like before. Those who wait come in the
 * order in which they asked; the kernel forgets a holder that dies.
 *
 * @throws IsolatorError ERR_HOST_BUSY where the others do not come to an end, or one of them keeps all others out; nothing
 *   is done then
 */
export async function aloneOnHost<T>(
  netns: NetworkNamespace,
  work: () => Promise<T>,
  patience: Alone = {},
): Promise<T> {
  const lock = await holdHost(netns, patience)
  try {
    refuseExcluded(netns)
    return await work()
  } finally {
    lock.close()
  }
}

/**
 * Waits until nobody else does such work on the host, and keeps it until what it returns is closed.
 *
 * @throws IsolatorError ERR_HOST_BUSY where one of the others does not come to an end
 */
export async function holdHost(
  netns: NetworkNamespace,
  { patienceMs = PATIENCE_MS, firstMs = patienceMs }: Alone = {},
): Promise<HeldName> {
  const { HeldName } = binding()
  const place = lockNamed(HOST_LOCK, netns)
  const lock = await HeldName.wait(place, patienceMs, firstMs)
  if (lock) return lock
  const { pid } = HeldName.holder(place) ?? {}
  throw hostBusy(
    HOST_LOCK,
    pid,
    `${processInWords(pid)} has not ended what it does to this host within ${patienceMs / 1000} s`,
  )
}

/**
 * Keeps all others out until what it returns is closed, or the process ends. To be called when alone on the host.
 *
 * @throws IsolatorError ERR_HOST_BUSY where somebody else does that already
 */
export function excludeOthers(netns: NetworkNamespace): HeldName {
  const held = binding().HeldName.try(lockNamed(EXCLUSIVE, netns))
  if (held) return held
  refuseExcluded(netns)
  throw excluded({ pid: undefined })
}

/**
 * Refuses work where somebody else keeps others out.
 *
 * @throws IsolatorError ERR_HOST_BUSY
 */
export function refuseExcluded(netns: NetworkNamespace): void {
  const holder = binding().HeldName.holder(lockNamed(EXCLUSIVE, netns))
  if (holder) throw excluded(holder)
}

const lockNamed = (name: string, { fd }: NetworkNamespace): { name: string; netns: number } => ({
  name: name.slice(1),
  netns: fd,
})

const excluded = ({ pid }: Holder): IsolatorError =>
  hostBusy(
    EXCLUSIVE,
    pid,
    `${processInWords(pid)} has an isolator with exclusive: true, which keeps others off this host until it is closed or the process ends`,
  )

const hostBusy = (name: string, pid: number | undefined, what: string): IsolatorError =>
  new IsolatorError(
    'ERR_HOST_BUSY',
    `${what}: ss -xap shows who holds ${name} in the host's network namespace`,
    { details: { name, ...(pid !== undefined && { pid }) } },
  )

const processInWords = (pid: number | undefined): string =>
  pid === undefined ? 'another process' : `process ${pid}`
