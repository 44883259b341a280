import type { Link } from '../../rtnetlink/index.js'
import { namedPath } from '../../netns/named.js'
import { NamespaceSearch } from '../container/find-namespace.js'
import { giveNamesAgain } from '../container/lost-names.js'
import { isStillThere, settleUnheld } from '../container/namespace.js'
import { hasOtherRoutes } from '../container/routes-inside.js'
import type { ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { atOnce } from '../kernel/at-once.js'
import { linkName } from '../layout/layout.js'
import { isHeld, type ContainerFacts, type HostFacts } from '../plan/facts.js'
import { classify } from './classify.js'
import { seeOthers } from './see-others.js'
import { readSurvey } from './seen.js'
import type { Survey } from './survey.js'
import { tidy } from './tidy.js'

/** What `recover` found and did: ids, each once. An id that was given as known and as an orphan counts as known. */
export interface Recovery {
  /** Known containers that are there. They keep running. */
  readonly recovered: readonly string[]
  /** Known orphans that are there. They stay until `cleanup`. */
  readonly orphans: readonly string[]
  /** Complete containers that the call did not name. They keep running, and stay until `cleanup`. Empty with `unknown: 'remove'`. */
  readonly unknown: readonly string[]
  /** Complete containers that the call did not name, and that `unknown: 'remove'` has removed. */
  readonly cleaned: readonly string[]
  /** Known ids and orphans that have no container. */
  readonly missing: readonly string[]
}

/** Whom a recovery is for. */
export interface RecoveryOf {
  /** Ids of the containers that are to be there; `'all'` for every complete one. */
  readonly known: readonly string[] | 'all'
  /** Ids of further containers that stay. */
  readonly orphans: readonly string[]
  /** What becomes of complete containers that are in neither list. */
  readonly unknown: 'keep' | 'remove'
}

/**
 * Finds the containers that are on a host, removes what a crash left halfway, and completes what a cut `update` left. The
 * traffic of the containers that stay is not disturbed.
 *
 * @param containers an empty table, which those that stay are put into
 * @param report is called if something inside a container could not be removed, which stays there
 * @returns what was found; whether any that stays is still made for another MAC or MTU, other routes or IPv6 addresses; why names in /run/netns could not
 *   be taken away that nobody needs any more, or be given again to namespaces that have lost theirs, or namespaces not be opened
 *   that no name holds
 * @throws IsolatorError ERR_FOREIGN_STATE where two of them have a port in common
 */
export async function recover(
  host: HostContext,
  containers: ContainerTable,
  wanted: RecoveryOf,
  report: (error: IsolatorError) => void,
): Promise<{ recovery: Recovery; outdated: boolean; failures: Error[] }> {
  const found = await readSurvey(host)
  const sorted = classify(found, host.facts, {
    ids: new Set([...idsOf(wanted.known), ...wanted.orphans]),
    others: wanted.known === 'all' ? 'keep' : wanted.unknown,
    isComplete: () => false,
    sparesOthers: false,
  })
  const failures = await tidy(host, found, sorted, report)
  const nameless = sorted.kept.filter(facts => isHeld(facts) && found.handles.get(facts.slot) === undefined)
  const named = await giveNamesAgain(host, nameless)
  try {
    adoptAll(host, containers, sorted.kept, found, named.identities)
    const unopened = await settleUnheld(
      host,
      containers,
      [...containers].filter(container => !isHeld(container)),
    )
    const kept = sorted.kept.map(({ id }) => id)
    const veths = sorted.kept.map(({ slot }) => found.links.get(slot))
    return {
      recovery: { ...sortedIds(kept, wanted), cleaned: sorted.unwanted },
      outdated:
        veths.some(veth => isOutdated(host.facts, veth)) || (await anyHasOtherRoutes(host, containers)),
      failures: [...failures, ...named.failures, ...unopened],
    }
  } catch (error) {
    // As before the call, which can be tried again: none is this one's.
    for (const container of [...containers]) containers.remove(container)
    // What the others are is asked for again by the next call: why this one failed is what matters.
    await seeOthers(host, containers, () => undefined, true).catch(() => undefined)
    throw error
  }
}

/** Puts containers into an empty table. All that are complete are this isolator's from now on. */
function adoptAll(
  { rt }: HostContext,
  containers: ContainerTable,
  all: readonly ContainerFacts[],
  { links, handles }: Survey,
  named: ReadonlyMap<number, string>,
): void {
  containers.follow([], [])
  for (const facts of all) {
    const container = containers.adopt(facts, namedPath(linkName(facts.slot)))
    container.ifindex = links.get(facts.slot)?.index
    if (!isHeld(facts)) continue
    const identity = handles.get(facts.slot)?.identity ?? named.get(facts.slot)
    if (identity !== undefined) containers.settleIn(identity, container, isStillThere(rt.devices))
    container.named = identity !== undefined
  }
}

const idsOf = (known: RecoveryOf['known']): readonly string[] => (known === 'all' ? [] : known)

/** Which of the containers that are there are known, orphans or neither, and which ids have no container. */
function sortedIds(kept: readonly string[], { known, orphans }: RecoveryOf): Omit<Recovery, 'cleaned'> {
  const there = new Set(kept)
  const ids = new Set(known === 'all' ? kept : known)
  const others = new Set(orphans.filter(id => !ids.has(id)))
  return {
    recovered: [...ids].filter(id => there.has(id)),
    orphans: [...others].filter(id => there.has(id)),
    unknown: kept.filter(id => !ids.has(id) && !others.has(id)),
    missing: [...ids, ...others].filter(id => !there.has(id)),
  }
}

/** Whether a veth was made for the public interface as it was: nobody followed it meanwhile. */
const isOutdated = ({ mac, mtu }: HostFacts, link: Link | undefined): boolean =>
  link?.address !== mac || link.mtu !== mtu

async function anyHasOtherRoutes(host: HostContext, containers: ContainerTable): Promise<boolean> {
  const search = new NamespaceSearch(host)
  const outdated = await atOnce([...containers], container => hasOtherRoutes(host, container, search))
  return outdated.includes(true)
}
