import type { Container, ContainerTable } from '../container/table.js'
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
  async seeOthers(again) {
    const report = (container: Container): void => {
      housekeeping.gone(container)
    }
    const gone = await seeOthers(host, containers, report, again)
    try {
      return await isAnyLeft(host.rt, gone)
    } catch (error) {
      host.links.forget()
      throw error
    }
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
