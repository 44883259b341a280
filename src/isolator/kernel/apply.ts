import { NoSuchDeviceError, rememberNames } from '../../netlink/devices.js'
import type { NetlinkError } from '../../netlink/errors.js'
import type { BatchResult } from '../../netlink/exchange.js'
import type { Request } from '../../netlink/message.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { inversesOf, plan, type Planned } from '../plan/planned.js'
import { filter, type FilterKey } from '../../tc/index.js'
import { lookUp } from './look-up.js'
import { isAsPlanned } from './planned-as-listed.js'

/** errnos of a deletion whose object is gone already, or the device with it. */
export const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENODEV', 'EINVAL'])

/**
 * Sends planned messages as one batch. What of them the kernel carried out is noted in `undo`, which is also told what takes
 * it back: a batch does not stop at an error, and of a failed one only what this call added may be taken back.
 *
 * @param tolerated errnos that are no failure, such as {@link GONE} for deletions
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where something that is not ours has a handle of ours
 * @throws NetlinkError for any other refusal
 */
export async function applyAll(
  rt: RtnetlinkSocket,
  planned: readonly Planned[],
  undo: { push(step: () => Promise<void>, inverses: readonly Planned[]): void },
  tolerated: ReadonlySet<string> = new Set(),
): Promise<void> {
  const names = rememberNames(rt.devices)
  const requests = planned.map(message => message.request(names))
  const results = await rt.send(requests, { onError: 'stop' }).catch((error: unknown) => {
    // Which of them the kernel has carried out is unknown: the answers are lost, or a later part was not sent.
    const inverses = inversesOf(planned).reverse()
    undo.push(
      async () => removeAll(rt, (await inversesOfPresent(rt, planned)).reverse(), STILL_THERE),
      inverses,
    )
    throw error
  })
  const carriedOut = planned.filter((_, i) => results[i]?.sent && !results[i].error)
  const inverses = inversesOf(carriedOut).reverse()
  if (inverses.length > 0) undo.push(() => removeAll(rt, inverses), inverses)
  const error = firstError(results, ({ code }) => !tolerated.has(code))
  if (error) throw explain(error)
}

/** The errno of an addition that restores what has not been deleted. */
const STILL_THERE: ReadonlySet<string> = new Set(['EEXIST'])

/** What takes back the messages that may have been carried out: of those that make a filter, where it is there as planned. */
async function inversesOfPresent(rt: RtnetlinkSocket, planned: readonly Planned[]): Promise<Planned[]> {
  const made = possibleOf(planned, rt.devices).filter(({ inverse }) => inverse)
  const isNewFilter = ({ object, verb }: Planned): boolean => object.name === filter.name && verb === 'add'
  const filters = made.filter(isNewFilter)
  const found = await lookUp(
    rt,
    filter,
    filters.map(({ inverse }) => inverse?.spec as FilterKey),
  )
  const absent = new Set(
    filters.filter((message, i) => {
      const there = found[i]
      return !there || !isAsPlanned(there, message, rt.devices)
    }),
  )
  return made.flatMap(message => (absent.has(message) || !message.inverse ? [] : [message.inverse]))
}

/**
 * Takes away what is planned to be deleted, as one batch, and makes again what is planned to be made. Of deletions, an object
 * that is gone already is no error; anything else is one, unless the device is gone with all that was on it.
 *
 * @param tolerated further errnos that are no failure
 */
export async function removeAll(
  rt: RtnetlinkSocket,
  planned: readonly Planned[],
  tolerated: ReadonlySet<string> = new Set(),
): Promise<void> {
  const possible = possibleOf(planned, rt.devices)
  if (possible.length === 0) return
  const names = rememberNames(rt.devices)
  const results = await rt.send(possible.map(message => message.request(names)))
  const error = results.find(
    ({ error }, i) => error && !tolerated.has(error.code) && !isNoFailure(error, possible[i]),
  )?.error
  if (error) throw error
}

const isNoFailure = ({ code }: NetlinkError, message: Planned | undefined): boolean =>
  message?.verb === 'delete' ? GONE.has(code) : code === 'ENODEV'

/** Likewise several lists of deletions, as one batch. Returns for each list why it failed; undefined if it did not. */
export async function removeEach(
  rt: RtnetlinkSocket,
  lists: readonly (readonly Planned[])[],
): Promise<(NetlinkError | undefined)[]> {
  const names = rememberNames(rt.devices)
  const requests = lists.map(deletions => requestsOf(deletions, names))
  const results = await rt.send(requests.flat())
  let end = 0
  return requests.map(({ length }) => {
    end += length
    return firstError(results.slice(end - length, end), ({ code }) => !GONE.has(code))
  })
}

/**
 * The requests of the messages whose devices are there. Each name is looked up once: for one that is missing the kernel tries
 * to load a module, twice (dev_load, net/core/dev_ioctl.c), which takes milliseconds.
 */
export function requestsOf(planned: readonly Planned[], devices: DeviceNames): Request<never>[] {
  const names = rememberNames(devices)
  return planned.flatMap(message => requestOf(message, names) ?? [])
}

/** The messages whose devices are there. */
export function possibleOf(planned: readonly Planned[], devices: DeviceNames): Planned[] {
  const names = rememberNames(devices)
  return planned.filter(message => requestOf(message, names))
}

function requestOf(message: Planned, devices: DeviceNames): Request<never> | undefined {
  try {
    return message.request(devices)
  } catch (error) {
    if (error instanceof NoSuchDeviceError) return undefined
    throw error
  }
}

/**
 * Sees to it that objects are there. What is there already stays, but for BPF filters, which are replaced in place: the
 * old one holds until the moment that the new one does.
 *
 * @throws NetlinkError for any refusal of another reason
 */
export async function ensureAll(rt: RtnetlinkSocket, planned: readonly Planned[]): Promise<void> {
  const names = rememberNames(rt.devices)
  const results = await rt.send(planned.map(message => ensured(message).request(names)))
  const error = firstError(results, ({ code }) => code !== 'EEXIST')
  if (error) throw error
}

/** What does an `add` where something is there already: only BPF filters can be replaced as a whole. */
const ensured = (message: Planned): Planned =>
  message.verb === 'add' && (message.spec as { kind?: string }).kind === 'bpf'
    ? plan(message.object, 'replace', message.spec)
    : message

function firstError(
  results: readonly BatchResult[],
  matters: (error: NetlinkError) => boolean,
): NetlinkError | undefined {
  return results.find(({ error }) => error && matters(error))?.error
}

/** Whether an error of `applyAll` says that something is in the way. */
export const isInTheWay = (error: unknown): boolean =>
  error instanceof IsolatorError &&
  error.code === 'ERR_FOREIGN_STATE' &&
  (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EEXIST'

function explain(error: NetlinkError): Error {
  if (error.code !== 'EEXIST') return error
  return new IsolatorError(
    'ERR_FOREIGN_STATE',
    `something that this isolator did not make is in the way of: ${error.command ?? error.request}. ` +
      'If an earlier run of this program has left it, call recover() before isolate(); if not, remove it first',
    { cause: error, details: { command: error.command } },
  )
}
