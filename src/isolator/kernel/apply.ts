import { NoSuchDeviceError, rememberNames } from '../../netlink/devices.js'
import type { NetlinkError } from '../../netlink/errors.js'
import type { BatchResult } from '../../netlink/exchange.js'
import type { Request } from '../../netlink/message.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { plan, type Planned } from '../plan/planned.js'

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
  const results = await rt.send(
    planned.map(message => message.request(names)),
    { onError: 'stop' },
  )
  const carriedOut = planned.filter((_, i) => results[i]?.sent && !results[i].error)
  const inverses = carriedOut.flatMap(({ inverse }) => inverse ?? []).reverse()
  if (inverses.length > 0) undo.push(() => removeAll(rt, inverses), inverses)
  const error = firstError(results, ({ code }) => !tolerated.has(code))
  if (error) throw explain(error)
}

/** Deletes what is planned to be deleted, as one batch. What is gone already is no error, be it with its device. */
export async function removeAll(rt: RtnetlinkSocket, deletions: readonly Planned[]): Promise<void> {
  const requests = requestsOf(deletions, rt.devices)
  if (requests.length === 0) return
  const results = await rt.send(requests)
  const error = firstError(results, ({ code }) => !GONE.has(code))
  if (error) throw error
}

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

function explain(error: NetlinkError): Error {
  if (error.code !== 'EEXIST') return error
  return new IsolatorError(
    'ERR_FOREIGN_STATE',
    `something that this isolator did not make is in the way of: ${error.command ?? error.request}. ` +
      'Remove it first; it may be what an earlier run of this program left',
    { cause: error, details: { command: error.command } },
  )
}
