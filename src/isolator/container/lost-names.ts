import type { HostSide } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { atOnce } from '../kernel/at-once.js'
import { readProcesses } from '../kernel/processes.js'
import { linkName } from '../layout/layout.js'
import { readClaims, whyNotOwn, type Sought } from './claims.js'
import { openIn } from './find-namespace.js'
import { giveNameAgain } from './namespace-handles.js'

/** What became of names that were lost. */
export interface GivenNames {
  /** The identities of the namespaces that have their name again, by slot. */
  readonly identities: ReadonlyMap<number, string>
  /** Why others have not, though a process is in them. */
  readonly failures: readonly Error[]
}

/**
 * Gives namespaces of containers the names again that they have lost: a mount in /run/netns goes with the mount namespace of
 * the program that made it, if that had one of its own. They are found by the processes in them: a namespace without a process
 * stays without a name. One that may be none of the container's own gets none: see whyNotOwn.
 *
 * Needs CAP_SYS_PTRACE for processes of other users, and of those with more capabilities.
 *
 * @param containers those whose name holds no namespace
 */
export async function giveNamesAgain(host: HostSide, containers: readonly Sought[]): Promise<GivenNames> {
  const identities = new Map<number, string>()
  const failures: Error[] = []
  if (containers.length === 0) return { identities, failures }
  const claims = await readClaims(host)
  const { byNetns } = await readProcesses(host.rt)
  await atOnce(containers, async container => {
    try {
      const nsid = claims.numbers.get(container.slot)
      if (nsid === undefined) return
      const found = await openIn(host.rt, nsid, byNetns.get(nsid) ?? [])
      if (!found) return
      const { netns } = found
      try {
        const why = await whyNotOwn(netns, container, nsid, claims)
        if (why !== undefined) throw nameRefused(container, why)
        await giveNameAgain(host.netns, container.slot, netns)
        identities.set(container.slot, netns.identity)
      } finally {
        netns.close()
      }
    } catch (error) {
      failures.push(error as Error)
    }
  })
  return { identities, failures }
}

const nameRefused = ({ id, slot }: Sought, why: string): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `the namespace of '${id}' does not get its name ${linkName(slot)} again: ${why}. Root inside can have moved the interface`,
    { details: { id, link: linkName(slot) } },
  )
