import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { formatLastChange, parseLastChange, type LastChange } from '../layout/last-change.js'
import { ANSWERS } from '../layout/layout.js'

/** One who changes containers: its changes have names that no other's have. */
export class Changer {
  // The pid is for people. node:crypto would be loaded for this alone, and nobody has to be kept from guessing it.
  readonly #name = `${process.pid}-${Math.random().toString(36).slice(2)}`
  #changes = 0

  nextChange(): string {
    return `${this.#name}.${++this.#changes}`
  }
}

/** Reads who changed containers last. To be called when alone on the host; it has no note before `create()` and after `destroy()`. */
export async function lastChange(rt: RtnetlinkSocket): Promise<LastChange | undefined> {
  const link = await unlessGone(() => rt.links.get(ANSWERS.far))
  return parseLastChange(link?.alias)
}

/** Notes that a change has begun, or is finished. */
export async function noteChange(rt: RtnetlinkSocket, change: LastChange): Promise<void> {
  await unlessGone(() => rt.links.change({ dev: ANSWERS.far, alias: formatLastChange(change) }))
}

/** Does work that changes containers, by one who is alone on the host and has no isolator. What another left unfinished stays so. */
export async function asChange(rt: RtnetlinkSocket, work: () => Promise<void>): Promise<void> {
  const by = new Changer().nextChange()
  const before = await lastChange(rt)
  await noteChange(rt, { by, unfinished: true })
  await work()
  await noteChange(rt, { by, unfinished: before?.unfinished ?? false })
}
