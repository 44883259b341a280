import { IsolatorError } from '../isolator-error.js'
import { removeEach } from '../kernel/apply.js'
import { deleteLinks } from '../kernel/delete-links.js'
import { atOnce, failureOf, failuresOf } from '../kernel/at-once.js'
import { isExhaustion, namingLimit } from '../kernel/exhaustion.js'
import { closeSocketInside } from '../kernel/inside.js'
import type { Container, ContainerTable } from './table.js'
import type { HostContext } from '../host/context.js'
import { NamespaceSearch } from './find-namespace.js'
import { letGo, openToLetGo, release, type Leaving } from './let-go.js'
import { containerLinkNames, removalPlan, closeWaysIn } from '../plan/container.js'
import { isHeld } from '../plan/facts.js'

/** Why containers could not be removed. What is left of each is as it was, and can be removed later. */
type Failures = ReadonlyMap<Container, Error>

/**
 * Takes containers away from the host: their nodes, their links, then the names of their namespaces. One that cannot be
 * removed keeps no other.
 *
 * @param report is called if something inside a container could not be removed, which stays there
 */
async function removeFromHost(
  host: HostContext,
  containers: readonly Container[],
  report: (error: IsolatorError) => void,
): Promise<Failures> {
  const [only, ...others] = containers
  if (!only) return new Map()
  if (others.length > 0) return removeMany(host, containers, report)
  const error = await failureOf(removeOne(host, only, report))
  return new Map(error ? [[only, error]] : [])
}

/**
 * One goes in one batch. What is needed to let go of its namespace is opened before that: if there is no descriptor to
 * spare, the container stays as it was.
 */
async function removeOne(
  host: HostContext,
  container: Container,
  report: (error: IsolatorError) => void,
): Promise<void> {
  const leaving = await openToLetGo(host, container, report)
  try {
    const [error] = await removeEach(host.rt, [removalPlan(host.facts, container)])
    if (error) throw error
    if (leaving) await release(host, container, leaving, report)
  } finally {
    await closeSocketInside(leaving?.rt)
  }
}

/** The links of many go together, which takes a fraction of the time: see deleteLinks. */
async function removeMany(
  host: HostContext,
  containers: readonly Container[],
  report: (error: IsolatorError) => void,
): Promise<Failures> {
  const { rt, facts } = host
  const failures = new Map<Container, Error>()
  /** Does something with the containers that have not failed; `work` returns why it failed, for each. */
  const step = async (
    work: (containers: readonly Container[]) => Promise<readonly (Error | undefined)[]>,
  ): Promise<void> => {
    const sound = containers.filter(container => !failures.has(container))
    for (const [i, error] of (await failuresOf(sound, work)).entries())
      if (error) failures.set(sound[i] as Container, error)
  }
  const search = new NamespaceSearch(host)
  const spare = new SpareDescriptors(host, search)
  try {
    // If there are none to spare, all stay as they were.
    for (const held of [false, true])
      await spare.take(
        held,
        containers.find(container => isHeld(container) === held),
      )
    await step(some =>
      removeEach(
        rt,
        some.map(container => closeWaysIn(facts, container)),
      ),
    )
    const letGoOf = (held: boolean): Promise<void> =>
      step(async some => {
        await spare.giveBack(held)
        const failures = await atOnce(some, async container =>
          isHeld(container) === held ? failureOf(letGo(host, container, report, search)) : undefined,
        )
        // For one at a time there are enough.
        for (const [i, error] of failures.entries())
          if (isExhaustion(error))
            failures[i] = await failureOf(letGo(host, some[i] as Container, report, search))
        return failures
      })
    // A namespace without a name is found by the link.
    await letGoOf(false)
    await step(some => deleteLinks(rt, some.map(containerLinkNames)))
    await letGoOf(true)
    return failures
  } catch (error) {
    return new Map(containers.map(container => [container, error as Error]))
  } finally {
    for (const held of [false, true]) await spare.giveBack(held)
  }
}

/**
 * The descriptors that it takes to let go of one container of each kind, held by a name or not. They are open until the first
 * container of that kind is let go: of many, all ways in are closed by then.
 */
class SpareDescriptors {
  readonly #leaving = new Map<boolean, Leaving>()

  constructor(
    private readonly host: HostContext,
    private readonly search: NamespaceSearch,
  ) {}

  /**
   * Takes those that it takes to let go of this container. Whatever else keeps it from being let go keeps no other container,
   * and is reported when it is let go.
   */
  async take(held: boolean, container: Container | undefined): Promise<void> {
    if (!container) return
    try {
      const leaving = await openToLetGo(this.host, container, () => undefined, this.search)
      if (leaving) this.#leaving.set(held, leaving)
    } catch (error) {
      if (isExhaustion(error)) throw error
    }
  }

  async giveBack(held: boolean): Promise<void> {
    const leaving = this.#leaving.get(held)
    this.#leaving.delete(held)
    await closeSocketInside(leaving?.rt)
  }
}

/** Who hears what became of containers that are to be removed. */
export interface RemovalListener {
  /** It is gone. */
  gone(container: Container): void
  /** It could not be removed. */
  keepRemoving(container: Container): void
  /** Something inside it could not be removed, which stays there. */
  insideFailed(error: IsolatorError): void
}

/**
 * Removes containers, as far as the table still has them, and takes them out of it. Returns their ids.
 *
 * @throws IsolatorError ERR_NOT_REMOVED naming those that could not be removed and stay in the table; the others are gone
 */
export async function removeKnown(
  host: HostContext,
  table: ContainerTable,
  containers: readonly Container[],
  listener: RemovalListener,
): Promise<ReadonlySet<string>> {
  const there = containers.filter(container => table.has(container))
  const failures = await removeFromHost(host, there, error => {
    listener.insideFailed(error)
  })
  for (const container of there) {
    if (failures.has(container)) {
      listener.keepRemoving(container)
    } else {
      table.remove(container)
      listener.gone(container)
    }
  }
  if (failures.size > 0) throw notRemoved(failures, there.length)
  return new Set(there.map(({ id }) => id))
}

/** The error of a call that could not begin to remove containers, which are removed later. */
export function notBegun(
  containers: readonly Container[],
  error: Error,
  listener: Pick<RemovalListener, 'keepRemoving'>,
): Error {
  for (const container of containers) listener.keepRemoving(container)
  if (containers.length === 0) return error
  return notRemoved(new Map(containers.map(container => [container, error])), containers.length)
}

/** The error of a call that could not remove some of its containers. */
function notRemoved(failures: Failures, asked: number): IsolatorError {
  const ids = [...failures.keys()].map(({ id }) => id)
  const first = namingLimit([...failures.values()][0]) as Error
  const named = ids.map(id => `'${id}'`).join(', ')
  const which = asked === 1 ? named : `${ids.length} of ${asked} containers (${named})`
  return new IsolatorError('ERR_NOT_REMOVED', `${which} could not be removed: ${first.message}`, {
    details: { ids },
    cause: first,
  })
}
