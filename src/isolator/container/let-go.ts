import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Link } from '../../rtnetlink/index.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { HostSide } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { atOnce } from '../kernel/at-once.js'
import { closing, insideError, insideOf, isInsideError } from '../kernel/inside.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { parseAlias } from '../plan/alias.js'
import { parseNote } from '../plan/container-note.js'
import { isHeld } from '../plan/facts.js'
import { clearLoopback } from './loopback-hook.js'
import { NamespaceSearch } from './find-namespace.js'
import { openNamespace, type OfNamespace } from './namespace.js'
import { deleteName, hasItsName, isOurFile, openByName } from './namespace-handles.js'

/** Called if a namespace could not be cleared. */
type Report = (error: IsolatorError) => void

/** How often a name may be a mount point still when it has been unmounted: somebody mounted the namespace there again. */
const MOUNTS = 64

/** A namespace that is to be let go. */
export interface Leaving {
  /** A socket inside, to clear the namespace by; undefined if nothing leads to it. */
  readonly rt: RtnetlinkSocket | undefined
}

/**
 * Opens what `release` needs; undefined where somebody has taken the name away already, or given it to another namespace than
 * the container's. Where this fails, nothing has been touched: there may be no descriptor to spare.
 *
 * @param host A namespace that no name holds is found there as long as the container's link is there
 */
export async function openToLetGo(
  host: HostSide,
  container: OfNamespace,
  report: Report,
  search?: NamespaceSearch,
): Promise<Leaving | undefined> {
  const netns = isHeld(container)
    ? namedNamespace(host, container)
    : await unheldNamespace(host, container, report, search)
  if (!netns) return netns === null ? { rt: undefined } : undefined
  try {
    return { rt: await RtnetlinkSocket.open({ netns }) }
  } finally {
    netns.close()
  }
}

/** Null if the name is the container's and holds no namespace. */
function namedNamespace(host: HostSide, container: OfNamespace): NetworkNamespace | null | undefined {
  return openByName(container) ?? (isOurFile(host.netns, container.slot) ? null : undefined)
}

/** Null if nothing leads to it. */
async function unheldNamespace(
  host: HostSide,
  container: OfNamespace,
  report: Report,
  search?: NamespaceSearch,
): Promise<NetworkNamespace | null> {
  try {
    return (await openNamespace(host, container, search)) ?? null
  } catch (error) {
    if (!isInsideError(error)) throw error
    report(error)
    return null
  }
}

/**
 * Lets go of a container's namespace: clears it, closes the socket inside and takes its name away.
 *
 * @param report is called if the namespace could not be cleared. It is the container's own: what stays there keeps nobody
 *   from anything, and `isolate` copes with it
 */
export async function release(
  host: HostSide,
  container: OfNamespace,
  { rt }: Leaving,
  report: Report,
): Promise<void> {
  if (rt) await clear(container.id, rt, report)
  if (!isHeld(container)) return
  for (let mounts = 1; ; mounts++) {
    try {
      await unlessGone(() => deleteName(host.netns, container.slot))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || mounts === MOUNTS) throw error
    }
    if (!hasItsName(container)) return
  }
}

/** Opens and releases it. */
export async function letGo(
  host: HostSide,
  container: OfNamespace,
  report: Report,
  search?: NamespaceSearch,
): Promise<void> {
  const leaving = await openToLetGo(host, container, report, search)
  if (leaving) await release(host, container, leaving, report)
}

/**
 * Clears the namespaces of those of these containers that no name holds, by the notes on their links. To be called before the
 * links are deleted, which lead to the namespaces.
 *
 * @param links the containers' links, by slot
 */
export async function clearUnheld(
  host: HostSide,
  links: Iterable<readonly [slot: number, link: Link]>,
  report: Report,
): Promise<void> {
  const search = new NamespaceSearch(host)
  const unheld = [...links].filter(([slot, link]) => parseNote(slot, link.alternativeNames).hold === false)
  await atOnce(unheld, async ([slot, { index, alias, name }]) => {
    const id = parseAlias(alias)?.id ?? name
    try {
      await letGo(host, { id, slot, hold: false, ifindex: index }, report, search)
    } catch (error) {
      // Whatever keeps one from being cleared, as when there are no descriptors: the links are to go all the same.
      report(insideError(id, error))
    }
  })
}

/** Clears a namespace, and closes the socket. */
async function clear(id: string, rt: RtnetlinkSocket, report: Report): Promise<void> {
  try {
    await insideOf(id, signal => closing(rt, signal, clearLoopback))
  } catch (error) {
    report(insideError(id, error))
  }
}
