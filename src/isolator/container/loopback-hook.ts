import { filtersAt } from '../kernel/filters-at.js'
import type { Device } from '../../netlink/devices.js'
import { DumpTooLargeError } from '../../netlink/errors.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { qdisc, filter, type Filter } from '../../tc/index.js'
import { GONE } from '../kernel/apply.js'
import { lookUp } from '../kernel/look-up.js'
import { sleep } from '../kernel/sleep.js'
import { IsolatorError } from '../isolator-error.js'
import { INSIDE6_PLACE, INSIDE_PLACE } from '../plan/container.js'
import { isInside } from '../programs/inside.js'
import { isInside6 } from '../programs/inside6.js'
import type { Program } from '../../tc/classic-bpf/program.js'

/*
 * The ingress qdisc of a container's lo and INSIDE, its filter: what stays in a namespace when the veth is gone. Root inside
 * can rename lo, change the qdisc, share its block or keep it busy.
 */

/** LOOPBACK_IFINDEX, include/linux/net.h: lo can have another name, but not another index. */
const LOOPBACK = 1
/** TC_H_INGRESS, linux/pkt_sched.h */
const INGRESS = 'ffff:fff1'

/** Tries to delete a qdisc that is in use, and ms between them. */
const ATTEMPTS = 10
const PAUSE_MS = 20

/**
 * Removes the hook, if INSIDE is there, or no filter at all: `isolate()` adds the qdisc first, and may have been cut there. A
 * qdisc with other filters is not, or no more, ours.
 */
export async function clearLoopback(rt: RtnetlinkSocket): Promise<void> {
  const found = await filterInPlace(rt)
  const ours = found ? isInsideFilter(found) : await isBare(rt)
  if (ours) await removeLoopbackHook(rt)
}

/** Whether INSIDE is there: `isolate()` puts it into containers alone. */
export async function hasInside(rt: RtnetlinkSocket): Promise<boolean> {
  const found = await filterInPlace(rt)
  return found !== undefined && isInsideFilter(found)
}

/** What is in the place of INSIDE. */
async function filterInPlace(rt: RtnetlinkSocket): Promise<Filter | undefined> {
  const [found] = await lookUp(rt, filter, [{ ...INSIDE_PLACE, dev: LOOPBACK }])
  return found
}

async function isBare(rt: RtnetlinkSocket): Promise<boolean> {
  const [hook] = await lookUp(rt, qdisc, [{ dev: LOOPBACK, parent: INGRESS }])
  return hook?.kind === 'ingress' && (await fewFilters(rt, LOOPBACK))?.length === 0
}

/** Removes the hook. While any thread asks for its filters, which needs no privilege, the kernel says EBUSY: so it is tried again. */
export async function removeLoopbackHook(rt: RtnetlinkSocket): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rt.qdiscs.delete({ dev: LOOPBACK, kind: 'ingress' })
      return
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (GONE.has(code)) return
      if (code !== 'EBUSY' || attempt === ATTEMPTS) throw error
      await sleep(PAUSE_MS)
    }
  }
}

/**
 * Whether lo has a hook that an earlier cleanup had to leave: INSIDE, perhaps with INSIDE6, and nothing else.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where it has an ingress qdisc of somebody else
 */
export async function hasLeftHook(rt: RtnetlinkSocket): Promise<boolean> {
  const [found] = await lookUp(rt, qdisc, [{ dev: 'lo', parent: INGRESS }])
  if (!found) return false
  const left = found.kind === 'ingress' ? ((await fewFilters(rt, 'lo')) ?? []) : []
  if (left.some(isInsideFilter) && left.every(filter => isInsideFilter(filter) || isInside6Filter(filter)))
    return true
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `lo has an ingress qdisc already: delete it there with tc qdisc del dev lo ${found.kind}`,
    { details: { dev: 'lo' } },
  )
}

/** The filters of the hook; undefined where there are more than could be ours. */
async function fewFilters(rt: RtnetlinkSocket, dev: Device): Promise<Filter[] | undefined> {
  try {
    return await filtersAt(rt, dev, 'ingress', { maxMessages: 8 })
  } catch (error) {
    if (error instanceof DumpTooLargeError) return undefined
    throw error
  }
}

const isInsideFilter = (found: Filter): boolean => isIn(INSIDE_PLACE, found, isInside)
const isInside6Filter = (found: Filter): boolean => isIn(INSIDE6_PLACE, found, isInside6)

const isIn = (
  place: typeof INSIDE_PLACE | typeof INSIDE6_PLACE,
  found: Filter,
  isProgram: (program: Program) => boolean,
): boolean =>
  found.kind === place.kind &&
  found.priority === place.priority &&
  found.protocol === place.protocol &&
  found.handle === place.handle &&
  found.program !== undefined &&
  isProgram(found.program)
