import { lackedCapability } from '../../native/missing-privilege.js'
import { ownRights, type Capability } from '../../native/own-rights.js'
import type { SystemError } from '../../native/system-error.js'
import { NetlinkError } from '../../netlink/errors.js'
import { namesRefused } from '../../netns/names-refused.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { WITHOUT_ROOT } from '../../netns/unprivileged.js'
import { netnsId } from '../../rtnetlink/index.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'

/** What netlink requests that change something need, in the user namespace that owns the network namespace. */
const NETLINK_CAPABILITY = 'CAP_NET_ADMIN'

/** What this process may not do. */
interface Refusal {
  /** `'make network namespaces'`. */
  readonly what: string
  readonly error: Error
  /** A capability that the process does not have, where the error is that of another one. */
  readonly lacks?: string
}

/** errnos of calls that are refused for what the process may do. ENOSYS and EAFNOSUPPORT are those of seccomp filters. */
const REFUSED: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EROFS', 'ENOSYS', 'EAFNOSUPPORT'])

/** Whether an error says that this process may not do something, whatever the kernel can do. */
export function isRefusal(error: unknown): error is Error {
  const { code = '', syscall } = error as NodeJS.ErrnoException
  // ENOSPC of unshare: the sysctl user.max_net_namespaces.
  return error instanceof Error && (REFUSED.has(code) || (code === 'ENOSPC' && syscall === 'unshare'))
}

/** Does something. Returns the refusal if it is refused; other errors are thrown. */
export async function refusalOf(what: string, work: () => Promise<unknown>): Promise<Refusal[]> {
  try {
    await work()
    return []
  } catch (error) {
    if (isRefusal(error)) return [{ what, error }]
    throw error
  }
}

/** What an isolator does on a host and this process may not do, found out by calls that change nothing. */
export async function refusalsOn(host: NetworkNamespace): Promise<Refusal[]> {
  let rt: RtnetlinkSocket | undefined
  try {
    const entering = await refusalOf("enter the host's network namespace", async () => {
      rt = await RtnetlinkSocket.open({ netns: host })
    })
    const inside = rt ? await refusalsInside(host, rt) : refusalsOutside(entering)
    const names = (await namesRefused()).map(error => ({ what: 'name network namespaces', error }))
    return [...entering, ...inside, ...names]
  } finally {
    await rt?.[Symbol.asyncDispose]()
  }
}

const CHANGING = "change the host's links and filters"

const refusalsInside = async (host: NetworkNamespace, rt: RtnetlinkSocket): Promise<Refusal[]> => [
  ...(await refusalOf(CHANGING, () => changeNothing(rt))),
  ...(await refusalOf("write the host's sysctls", () => writeNothing(host))),
]

/** What is known without having entered. */
const refusalsOutside = (entering: readonly Refusal[]): Refusal[] =>
  ownRights().has(NETLINK_CAPABILITY)
    ? []
    : entering.map(({ error }) => ({ what: CHANGING, error, lacks: NETLINK_CAPABILITY }))

/** Nobody has so many descriptors. */
const NO_DESCRIPTOR = 0x7fff_ffff

/** Of a request to change something the kernel looks at the sender's rights first (rtnetlink_rcv_msg, net/core/rtnetlink.c). */
async function changeNothing(rt: RtnetlinkSocket): Promise<void> {
  const [result] = await rt.send([netnsId.assign(NO_DESCRIPTOR)])
  if (isRefusal(result?.error)) throw result.error
}

/** To this sysctl an empty write is none (proc_do_large_bitmap, kernel/sysctl.c). */
async function writeNothing(host: NetworkNamespace): Promise<void> {
  const [result] = await host.accessFiles([[sysctlPath('net.ipv4.ip_local_reserved_ports'), '']])
  if (result instanceof Error) throw result
}

/** Capabilities that a user without them has in a user namespace of his own. */
const HAD_IN_OWN: readonly string[] = [NETLINK_CAPABILITY, 'CAP_SYS_ADMIN'] satisfies Capability[]

/** ERR_NOT_PERMITTED with a sentence for each right that is missing, and how to do without, if that helps. */
export function notPermitted(refusals: readonly Refusal[]): IsolatorError {
  const byRight = new Map<string, Refusal[]>()
  for (const refusal of refusals) {
    const right = rightOf(refusal)
    byRight.set(right, [...(byRight.get(right) ?? []), refusal])
  }
  const sentences = Array.from(byRight.values(), sentenceOf)
  if (HAD_IN_OWN.some(capability => byRight.has(capability))) sentences.push(WITHOUT_ROOT)
  return new IsolatorError('ERR_NOT_PERMITTED', `rights are missing. ${sentences.join('. ')}`, {
    details: { missing: [...byRight.keys()] },
    cause: refusals[0]?.error,
  })
}

/** A capability that the process does not have; undefined if the refusal has another reason. */
function lackedBy({ error, lacks }: Refusal): string | undefined {
  if (lacks !== undefined) return lacks
  if (error instanceof NetlinkError)
    return ownRights().has(NETLINK_CAPABILITY) ? undefined : NETLINK_CAPABILITY
  const { syscall, path } = error as SystemError
  return lackedCapability(syscall, path)
}

/** The right that a refusal shows to be missing: a capability, a file that is to be writable, a system call. */
function rightOf(refusal: Refusal): string {
  const { path, syscall } = refusal.error as Partial<SystemError>
  return lackedBy(refusal) ?? (syscall === 'open' ? path : syscall) ?? NETLINK_CAPABILITY
}

/** Of refusals that show the same right to be missing. */
function sentenceOf(refusals: readonly Refusal[]): string {
  const actions = [...new Set(refusals.map(({ what }) => what))].join(' and to ')
  const [first] = refusals as [Refusal]
  const lacked = lackedBy(first)
  return lacked === undefined
    ? `This process may not ${actions}: ${first.error.message.split('\n')[0]}`
    : `This process does not have ${lacked}, which is needed to ${actions}`
}
