import type { DeviceNames } from '../../netlink/message-type.js'
import { referencePath, type NetnsReference, type NetworkNamespace } from '../../netns/network-namespace.js'
import type { HostSide } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { openNetns } from '../kernel/open-netns.js'
import { isHeld } from '../plan/facts.js'
import { whyNotOwn } from './claims.js'
import {
  NamespaceSearch,
  numberOf,
  numbersOf,
  openIn,
  UNKNOWN,
  type OpenedNamespace,
} from './find-namespace.js'
import { hasItsName, openByName, type NamedNamespace } from './namespace-handles.js'
import type { Container, ContainerTable } from './table.js'

/** Why there is no way inside, though nobody has changed anything. */
export const NO_WAY =
  'no name holds its namespace (hold: false), no process is in it, and no name in /run/netns leads to it'

/** A container, as far as its namespace is found by that. */
export interface OfNamespace extends NamedNamespace {
  readonly id: string
  readonly hold?: boolean | undefined
  readonly ifindex?: number | undefined
  /** Where the namespace was found before. */
  reference?: string
}

/**
 * Opens a container's namespace: by its name, or if none holds it, by a process in it or a name that somebody else has given
 * it. Undefined if nothing leads to it: the name was taken away, no process is in it, or it may be none of the container's own.
 *
 * @throws IsolatorError ERR_INSIDE_CONTAINER if a right is missing to open it by the processes in it
 */
export async function openNamespace(
  host: HostSide,
  container: OfNamespace,
  search = new NamespaceSearch(host),
): Promise<NetworkNamespace | undefined> {
  if (isHeld(container)) return openByName(container)
  const nsid = await numberOf(host.rt, container)
  if (nsid === UNKNOWN) return undefined
  const found = await findUnheld(host, container, nsid, search)
  if (!found) return undefined
  const { netns, reference } = found
  if (!(await isOwn(netns, container, nsid, search))) {
    netns.close()
    return undefined
  }
  container.reference = referencePath(reference)
  return netns
}

/** One whose identity is not known yet is looked into. */
async function isOwn(
  netns: NetworkNamespace,
  container: OfNamespace,
  nsid: number,
  search: NamespaceSearch,
): Promise<boolean> {
  if (container.namespace !== undefined) return container.namespace === netns.identity
  try {
    return (await whyNotOwn(netns, container, nsid, await search.claims())) === undefined
  } catch (error) {
    netns.close()
    throw error
  }
}

/**
 * Whether a container's namespace is that of a reference. By its name, or else by the number that the kernel has for the one where
 * its interface is: that needs no process inside.
 *
 * @throws IsolatorError ERR_INVALID_OPTION if the reference leads to no namespace; ERR_NOT_PERMITTED
 */
export async function isNamespaceOf(
  host: HostSide,
  container: OfNamespace,
  reference: NetnsReference,
): Promise<boolean> {
  const netns = openNetns(reference)
  try {
    if (isHeld(container) && hasItsName(container)) return netns.identity === container.namespace
    const nsid = await numberOf(host.rt, container)
    return nsid !== UNKNOWN && (await numbersOf(host.rt, [netns]))[0] === nsid
  } finally {
    netns.close()
  }
}

/**
 * Does something with a container's namespace, and closes it then. Undefined if nothing leads to it.
 *
 * @param search one for all containers of a call. Default: one for this container
 */
export async function withNamespace<T>(
  host: HostSide,
  container: OfNamespace,
  use: (netns: NetworkNamespace) => Promise<T>,
  search?: NamespaceSearch,
): Promise<T | undefined> {
  const netns = await openNamespace(host, container, search)
  if (!netns) return undefined
  try {
    return await use(netns)
  } finally {
    netns.close()
  }
}

async function findUnheld(
  host: HostSide,
  { id, reference }: OfNamespace,
  nsid: number,
  search: NamespaceSearch,
): Promise<OpenedNamespace | undefined> {
  try {
    const before =
      reference === undefined ? undefined : await openIn(host.rt, nsid, [reference]).catch(ifAllowed)
    return before ?? (await openIn(host.rt, nsid, (await search.places()).get(nsid) ?? []))
  } catch (error) {
    ifAllowed(error)
    const { message } = error as Error
    throw new IsolatorError('ERR_INSIDE_CONTAINER', `the inside of '${id}': ${message}`, {
      details: { id },
      cause: error,
    })
  }
}

/** What may not be opened counts as what is not there. */
function ifAllowed(error: unknown): undefined {
  if (!(error instanceof IsolatorError && error.code === 'ERR_NOT_PERMITTED')) throw error
  return undefined
}

/**
 * Looks for the namespaces of containers that no name holds, and has the table know which they are. What another container has
 * is passed over.
 *
 * @returns why some could not be opened
 */
export async function settleUnheld(
  host: HostSide,
  table: ContainerTable,
  unheld: readonly Container[],
): Promise<Error[]> {
  const search = new NamespaceSearch(host)
  const failures: Error[] = []
  const isThere = isStillThere(host.rt.devices)
  for (const container of unheld) {
    let netns: NetworkNamespace | undefined
    try {
      netns = await openNamespace(host, container, search)
      if (netns) table.settleIn(netns.identity, container, isThere)
    } catch (error) {
      // Another container has it, which is seen to where that is known.
      if (error instanceof IsolatorError && error.code === 'ERR_CONTAINER_EXISTS') continue
      failures.push(error as Error)
    } finally {
      netns?.close()
    }
  }
  return failures
}

/** Whether a container still has the namespace that was given it: by its name, or if none holds it, by its link. */
export const isStillThere =
  (devices: DeviceNames) =>
  (container: Container): boolean => {
    if (isHeld(container)) return !container.named || hasItsName(container)
    return container.ifindex === undefined || devices.interfaceName(container.ifindex) !== undefined
  }
