import type { ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { notedPorts } from '../plan/container-note.js'
import { classify } from './classify.js'
import type { Found } from './found.js'
import { readSurvey } from './seen.js'
import { tidy } from './tidy.js'

/**
 * Brings to its end what another isolator was doing when it was killed: removes what is half made or half removed, and
 * completes what a cut `update` left. All complete containers stay.
 *
 * @param report is called if something inside a container could not be removed, which stays there
 * @returns why names in /run/netns that nobody needs any more could not be taken away
 * @throws IsolatorError ERR_FOREIGN_STATE where two containers have a port in common
 */
export async function finishChanges(
  host: HostContext,
  table: ContainerTable,
  report: (error: IsolatorError) => void,
): Promise<Error[]> {
  const found = await readSurvey(host)
  const sorted = classify(found, host.facts, {
    ...{ ids: new Set<string>(), others: 'keep', sparesOthers: true },
    isComplete: isIn(table),
  })
  return tidy(host, found, sorted, report, 'cut')
}

/** A veth that is down and has its note is half made, unless it has been complete before: then somebody has set it down. */
const isIn =
  (table: ContainerTable) =>
  ({ slot, link }: Found): boolean => {
    if (notedPorts(slot, link.alternativeNames) === undefined) return false
    const other = table.otherInSlot(slot)
    return table.inSlot(slot)?.ifindex === link.index || (other?.ifindex === link.index && other.complete)
  }
