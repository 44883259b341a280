import { promises, statSync } from 'node:fs'
import {
  attach,
  attachAgain,
  detach,
  hasNote,
  isAbandoned,
  namedPath,
  NETNS_RUN_DIR,
} from '../../netns/named.js'
import { IsolatorError } from '../isolator-error.js'
import { NetworkNamespace } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import type { HostSide } from '../host/context.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { isMissing } from '../kernel/unless-gone.js'
import { linkName, slotOfLink } from '../layout/layout.js'

/*
 * The names of containers' namespaces in /run/netns. That directory is one for all host namespaces, and for mount namespaces
 * too, while what is mounted on a file there may be seen in one of them alone: elsewhere it is a file, and to delete that would
 * take the name away where it is mounted (detach_mounts in fs/namespace.c). So the file says which host's container it is for.
 */

/** The namespace of a container, by the name that it was given and the identity that it had then. */
export interface NamedNamespace {
  readonly slot: number
  readonly namespace?: string | undefined
}

/** What a name of ours holds. */
export interface HeldNamespace {
  readonly identity: string
  /** By which number the host's namespace knows it. Nothing that is done inside changes that. */
  readonly nsid: number
}

/** Namespaces that are held open at a time. */
export const OPEN_AT_A_TIME = 128

/**
 * The names `pm<slot>` in /run/netns that are ours: by slot the namespace that each holds, undefined where it holds none.
 *
 * Isolators of other host namespaces may have names there too. Ours are those of namespaces that this host namespace
 * knows, as `isolate` has it know each before it gives it a name; nothing that is done inside a container changes that.
 */
export async function ourHandles({
  netns: host,
  rt,
}: HostSide): Promise<Map<number, HeldNamespace | undefined>> {
  const slots = await namedSlots()
  const handles = new Map<number, HeldNamespace | undefined>()
  for (let i = 0; i < slots.length; i += OPEN_AT_A_TIME) {
    const opened: Handle[] = []
    try {
      for (const slot of slots.slice(i, i + OPEN_AT_A_TIME)) {
        const netns = openHeld(slot)
        if (netns) opened.push({ slot, netns })
        else if (isOurFile(host, slot)) handles.set(slot, undefined)
      }
      for (const [slot, held] of await oursOf(rt, opened)) handles.set(slot, held)
    } finally {
      for (const { netns } of opened) netns.close()
    }
  }
  return handles
}

/** The name of a slot, opened. */
interface Handle {
  readonly slot: number
  readonly netns: NetworkNamespace
}

/** The slots whose names in /run/netns are taken, by isolators of any host namespace or by anybody else. */
export const namedSlots = async (): Promise<number[]> =>
  (await namesInRunDirectory()).flatMap(name => slotOfLink(name) ?? [])

/** Of open handles, those of namespaces that the socket's knows. */
async function oursOf(
  rt: RtnetlinkSocket,
  opened: readonly Handle[],
): Promise<[slot: number, HeldNamespace][]> {
  const answers = await rt.send(opened.map(({ netns }) => netnsId.ask(netns.fd)))
  return opened.flatMap(({ slot, netns: { identity } }, i): [number, HeldNamespace][] => {
    const nsid = netnsId.of(answers[i]?.replies ?? [])
    return nsid === undefined ? [] : [[slot, { identity, nsid }]]
  })
}

/** Gives a namespace the name of a slot. Throws `EEXIST` where that is taken. */
export const giveName = (host: NetworkNamespace, slot: number, { fd }: NetworkNamespace): Promise<void> =>
  attach(fd, linkName(slot), noteOf(host))

/** The same for a name that was lost, of which a file can be left. */
export const giveNameAgain = (
  host: NetworkNamespace,
  slot: number,
  { fd }: NetworkNamespace,
): Promise<void> => attachAgain(fd, linkName(slot), noteOf(host))

/** Takes the name of a slot away. Throws `ENOENT` where there is none, TypeError for what is no name of ours. */
export const deleteName = (host: NetworkNamespace, slot: number): Promise<void> =>
  detach(linkName(slot), noteOf(host))

/** A container's namespace by its name; undefined where somebody has taken the name away, or given it to another. */
export function openByName({ slot, namespace }: NamedNamespace): NetworkNamespace | undefined {
  const netns = openHeld(slot)
  if (netns?.identity === namespace) return netns
  netns?.close()
  return undefined
}

/** Whether a container's name still holds the namespace that was given it, which therefore is alive. */
export function hasItsName(container: NamedNamespace): boolean {
  const netns = openByName(container)
  netns?.close()
  return netns !== undefined
}

/** What a file has in it whose name is for a container of a host. */
const noteOf = ({ identity }: NetworkNamespace): string =>
  `a container of the network namespace ${identity}\n`

/**
 * Whether there is a file for a container of this host, on which nothing is mounted that can be seen from here; or one that is nobody's,
 * since who made it was killed before it had said whose it is.
 */
export function isOurFile(host: NetworkNamespace, slot: number): boolean {
  const path = namedPath(linkName(slot))
  return hasNote(path, noteOf(host)) || isAbandoned(path)
}

/** Whether anything has the name of a slot in /run/netns. */
export const isNameTaken = (slot: number): boolean =>
  statSync(namedPath(linkName(slot)), { throwIfNoEntry: false }) !== undefined

/** All names in /run/netns. */
export async function namesInRunDirectory(): Promise<string[]> {
  try {
    return await promises.readdir(NETNS_RUN_DIR)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw noRunDirectory()
    throw error
  }
}

/**
 * Refuses a host on which names of namespaces cannot be made.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where something else than a directory is at /run/netns
 */
export function checkRunDirectory(): void {
  const there = statSync(NETNS_RUN_DIR, { throwIfNoEntry: false })
  if (there && !there.isDirectory()) throw noRunDirectory()
}

const noRunDirectory = (): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `${NETNS_RUN_DIR} is not a directory, and names of network namespaces are kept there: move it out of the way`,
    { details: { path: NETNS_RUN_DIR } },
  )

/** The namespace that the name of a slot holds; undefined where it holds none, or nothing has the name. */
function openHeld(slot: number): NetworkNamespace | undefined {
  // A handle of ours is a file. To open a pipe of somebody's would wait for its other end.
  if (!statSync(namedPath(linkName(slot)), { throwIfNoEntry: false })?.isFile()) return undefined
  try {
    return NetworkNamespace.open(linkName(slot))
  } catch (error) {
    if (error instanceof TypeError || isMissing(error)) return undefined
    throw error
  }
}
