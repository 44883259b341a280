import type { ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import type { TurnDuties } from '../host/turns.js'
import { isAnyLeft, removeEnded } from '../recovery/ended.js'
import { finishChanges } from '../recovery/finish-changes.js'
import { seeOthers } from '../recovery/see-others.js'
import type { Housekeeping } from './housekeeping.js'

/** What an isolator does when it gets its turn. */
export const turnDuties = (
  host: HostContext,
  containers: ContainerTable,
  housekeeping: Housekeeping,
): TurnDuties => ({
  async seeOthers() {
    await seeOthers(host, containers, container => {
      housekeeping.gone(container)
    })
    return isAnyLeft(host.rt)
  },
  async removeEnded() {
    try {
      await removeEnded(host, containers, container => {
        housekeeping.ended(container)
      })
    } catch (error) {
      // Tried again by the next call that changes something.
      housekeeping.failed(error as Error)
    }
  },
  async finish() {
    for (const error of await finishChanges(host, containers, housekeeping.insideFailed))
      housekeeping.failed(error)
  },
})
