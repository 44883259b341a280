import { attachAgain } from '../../netns/named.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { IsolatorError } from '../isolator-error.js'
import { openNetns } from '../kernel/open-netns.js'
import { readProcesses } from '../kernel/processes.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { linkName } from '../layout/layout.js'
import type { NamedNamespace } from './namespace-handles.js'

/** What became of names that were lost. */
export interface GivenNames {
  /** The identities of the namespaces that have their name again, by slot. */
  readonly identities: ReadonlyMap<number, string>
  /** Why others have not, though a process is in them. */
  readonly failures: readonly Error[]
}

/**
 * Gives namespaces of containers the names again that they have lost: a mount in /run/netns goes with the mount namespace of
 * the program that made it, if that had one of its own. The kernel still shows by which number the host's namespace knows that of a veth's peer
 * (IFLA_LINK_NETNSID), and which processes are in a namespace of that number. A namespace without a process stays without a name.
 *
 * Needs CAP_SYS_PTRACE for processes of other users, and of those with more capabilities.
 *
 * @param containers those whose name holds no namespace; with `namespace`, the name is given to none but that
 * @param taken identities of namespaces that are other containers'. Root in a container can move its interface into such a
 *   namespace, which then keeps the one name that it has
 */
export async function giveNamesAgain(
  rt: RtnetlinkSocket,
  containers: readonly NamedNamespace[],
  taken: Iterable<string | undefined>,
): Promise<GivenNames> {
  const identities = new Map<number, string>()
  const failures: Error[] = []
  if (containers.length === 0) return { identities, failures }
  const others = new Set(taken)
  const { byNetns } = await readProcesses(rt)
  for (const container of containers) {
    try {
      const nsid = await numberOf(rt, container.slot)
      const identity = await giveName(
        await openByProcess(rt, nsid, byNetns.get(nsid) ?? []),
        container,
        others,
      )
      if (identity === undefined) continue
      identities.set(container.slot, identity)
      others.add(identity)
    } catch (error) {
      failures.push(error as Error)
    }
  }
  return { identities, failures }
}

/** No namespace has this number. */
const UNKNOWN = -1

/** By which number the host's namespace knows that of the container's end. */
async function numberOf(rt: RtnetlinkSocket, slot: number): Promise<number> {
  const link = await unlessGone(() => rt.links.get(linkName(slot)))
  return link?.kind === 'veth' ? (link.peer?.netnsid ?? UNKNOWN) : UNKNOWN
}

/** Gives a namespace, which is closed then, the name of a container. Returns its identity; undefined if it is another container's. */
async function giveName(
  netns: NetworkNamespace | undefined,
  { slot, namespace }: NamedNamespace,
  others: ReadonlySet<string | undefined>,
): Promise<string | undefined> {
  if (!netns) return undefined
  try {
    const { identity } = netns
    if (others.has(identity) || (namespace !== undefined && namespace !== identity)) return undefined
    await attachAgain(netns.fd, linkName(slot))
    return identity
  } finally {
    netns.close()
  }
}

/** The namespace of one of these processes that is still in it; undefined if all have ended. */
async function openByProcess(
  rt: RtnetlinkSocket,
  nsid: number,
  pids: readonly number[],
): Promise<NetworkNamespace | undefined> {
  let refusal: IsolatorError | undefined
  for (const pid of pids) {
    let netns: NetworkNamespace
    try {
      netns = openNetns(pid)
    } catch (error) {
      // Any other error says that the process has ended.
      if ((error as IsolatorError).code === 'ERR_NOT_PERMITTED') refusal = error as IsolatorError
      continue
    }
    // Another process can have got the pid meanwhile.
    const [answer] = await rt.send([netnsId.ask(netns.fd)])
    if (netnsId.of(answer?.replies ?? []) === nsid) return netns
    netns.close()
  }
  if (refusal) throw refusal
  return undefined
}
