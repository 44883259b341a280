import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { HostContext } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { atOnce } from '../kernel/at-once.js'
import { insideOf, withSocketInside } from '../kernel/inside.js'
import { openNetns } from '../kernel/open-netns.js'
import { readProcesses } from '../kernel/processes.js'
import { linkName, slotOfLink } from '../layout/layout.js'
import { hasInside } from './loopback-hook.js'
import { giveNameAgain, ourHandles, type NamedNamespace } from './namespace-handles.js'

/** What became of names that were lost. */
export interface GivenNames {
  /** The identities of the namespaces that have their name again, by slot. */
  readonly identities: ReadonlyMap<number, string>
  /** Why others have not, though a process is in them. */
  readonly failures: readonly Error[]
}

/** A container without its name; with `namespace`, no other than that namespace had it. */
type Nameless = NamedNamespace & { readonly id: string }

/**
 * Gives namespaces of containers the names again that they have lost: a mount in /run/netns goes with the mount namespace of
 * the program that made it, if that had one of its own. The kernel still shows by which number the host's namespace knows that of a veth's peer
 * (IFLA_LINK_NETNSID), and which processes are in a namespace of that number. A namespace without a process stays without a name.
 *
 * Root in a container can move its interface into another namespace. So a namespace gets a name again only if no other container
 * has its interface there or its name on it, and if it is the one that had the name, or has INSIDE on its lo: `isolate` puts that into
 * containers alone. Who puts it into another namespace himself rules that one too, and takes the name from nobody but himself.
 *
 * Needs CAP_SYS_PTRACE for processes of other users, and of those with more capabilities.
 *
 * @param containers those whose name holds no namespace
 */
export async function giveNamesAgain(
  { netns: host, rt }: Pick<HostContext, 'netns' | 'rt'>,
  containers: readonly Nameless[],
): Promise<GivenNames> {
  const identities = new Map<number, string>()
  const failures: Error[] = []
  if (containers.length === 0) return { identities, failures }
  const claims = await readClaims(host, rt)
  const { byNetns } = await readProcesses(rt)
  await atOnce(containers, async container => {
    try {
      const nsid = claims.numbers.get(container.slot)
      if (nsid === undefined) return
      const netns = await openByProcess(rt, nsid, byNetns.get(nsid) ?? [])
      if (!netns) return
      try {
        await refuseOthers(netns, container, nsid, claims)
        await giveNameAgain(host, container.slot, netns)
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

/** In which namespaces containers have their interfaces, and their names. */
interface Claims {
  /** By slot, the number of the namespace that the veth's other end is in. */
  readonly numbers: ReadonlyMap<number, number>
  /** Slots of containers without a name, by that number. */
  readonly nameless: ReadonlyMap<number, readonly number[]>
  /** Slots of names that hold a namespace, by the number of this one. */
  readonly named: ReadonlyMap<number, number>
}

async function readClaims(host: NetworkNamespace, rt: RtnetlinkSocket): Promise<Claims> {
  const handles = await ourHandles({ netns: host, rt })
  const veths = await rt.links.list({ kind: 'veth' })
  const numbers = new Map<number, number>()
  const nameless = new Map<number, number[]>()
  for (const { name, linkNetnsid: nsid } of veths) {
    const slot = slotOfLink(name)
    if (slot === undefined || nsid === undefined) continue
    numbers.set(slot, nsid)
    if (!handles.get(slot)) nameless.set(nsid, [...(nameless.get(nsid) ?? []), slot])
  }
  const named = new Map([...handles].flatMap(([slot, held]) => (held ? [[held.nsid, slot]] : [])))
  return { numbers, nameless, named }
}

/**
 * Refuses a namespace that may be none of the container's own.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE
 */
async function refuseOthers(
  netns: NetworkNamespace,
  { id, slot, namespace }: Nameless,
  nsid: number,
  { nameless, named }: Claims,
): Promise<void> {
  const other = named.get(nsid) ?? nameless.get(nsid)?.find(it => it !== slot)
  if (other !== undefined)
    throw nameRefused(id, slot, `its interface is in the same namespace as that of ${linkName(other)}`)
  if (namespace === netns.identity) return
  if (namespace !== undefined)
    throw nameRefused(id, slot, 'its interface is in another namespace than it was')
  if (!(await insideOf(id, signal => withSocketInside(netns, signal, hasInside))))
    throw nameRefused(id, slot, 'lo has not the filter of a container where its interface is')
}

const nameRefused = (id: string, slot: number, why: string): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `the namespace of '${id}' does not get its name ${linkName(slot)} again: ${why}. Root inside can have moved the interface`,
    { details: { id, link: linkName(slot) } },
  )

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
