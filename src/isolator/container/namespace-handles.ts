import { promises } from 'node:fs'
import { NETNS_RUN_DIR } from '../../netns/named.js'
import { NetworkNamespace } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { GONE } from '../kernel/apply.js'
import { withSocketInside } from '../kernel/socket-inside.js'
import { linkName, slotOfLink } from '../layout/layout.js'

/** The name of a slot in /run/netns, opened: without a namespace where it holds none, as after a reboot. */
interface Handle {
  readonly slot: number
  readonly netns: NetworkNamespace | undefined
}

/** The namespace of a container, by the name that it was given and the identity that it had then. */
export interface NamedNamespace {
  readonly slot: number
  readonly namespace?: string | undefined
}

/** Namespaces that are held open at a time. */
const OPEN_AT_A_TIME = 128

/**
 * The names `pm<slot>` in /run/netns that are ours: by slot the identity of the namespace, undefined where there is none.
 *
 * Isolators of other host namespaces may have names there too. Ours are those of namespaces that this host namespace
 * knows, as `isolate` has it know each before it gives it a name; nothing that is done inside a container changes that.
 */
export async function ourHandles(rt: RtnetlinkSocket): Promise<Map<number, string | undefined>> {
  const slots = (await namesInRunDirectory()).flatMap(name => slotOfLink(name) ?? [])
  const handles = new Map<number, string | undefined>()
  for (let i = 0; i < slots.length; i += OPEN_AT_A_TIME) {
    const opened = slots.slice(i, i + OPEN_AT_A_TIME).flatMap(slot => openHandle(slot) ?? [])
    try {
      for (const { slot, netns } of await oursOf(rt, opened)) handles.set(slot, netns?.identity)
    } finally {
      for (const { netns } of opened) netns?.close()
    }
  }
  return handles
}

async function oursOf(rt: RtnetlinkSocket, opened: readonly Handle[]): Promise<Handle[]> {
  const spaces = opened.flatMap(({ netns }) => netns ?? [])
  const answers = await rt.send(spaces.map(({ fd }) => netnsId.ask(fd)))
  const known = new Set(spaces.filter((_, i) => netnsId.of(answers[i]?.replies ?? []) !== undefined))
  return opened.filter(({ netns }) => netns === undefined || known.has(netns))
}

/**
 * Lets go of a container's namespace: clears it and takes its name away. Where somebody has taken the name away already,
 * or given it to another namespace than the one of this `identity`, nothing is left to do.
 */
export async function releaseHandle(slot: number, identity: string | undefined): Promise<void> {
  const handle = openHandle(slot)
  if (!handle) return
  const { netns } = handle
  try {
    if (netns?.identity !== identity) return
    if (netns) await withSocketInside(netns, clearInside)
  } finally {
    netns?.close()
  }
  await NetworkNamespace.deleteName(linkName(slot))
}

/** A container's namespace by its name; undefined where somebody has taken the name away, or given it to another. */
export function openNamespace({ slot, namespace }: NamedNamespace): NetworkNamespace | undefined {
  const netns = openHandle(slot)?.netns
  if (netns?.identity === namespace) return netns
  netns?.close()
  return undefined
}

/** Whether a container's name still holds the namespace that was given it, which therefore is alive. */
export function hasItsName(container: NamedNamespace): boolean {
  const netns = openNamespace(container)
  netns?.close()
  return netns !== undefined
}

/**
 * Removes what stays in a namespace when the veth is gone: the ingress qdisc of its lo, with its filter. Root inside may have
 * renamed its lo or given it another qdisc, which must not keep the host from letting go of it.
 */
export async function clearInside(rt: RtnetlinkSocket): Promise<void> {
  try {
    await rt.qdiscs.delete({ dev: 'lo', kind: 'ingress' })
  } catch (error) {
    if (!GONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

async function namesInRunDirectory(): Promise<string[]> {
  try {
    return await promises.readdir(NETNS_RUN_DIR)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Undefined where nothing has the name, or nothing any more. */
function openHandle(slot: number): Handle | undefined {
  try {
    return { slot, netns: NetworkNamespace.open(linkName(slot)) }
  } catch (error) {
    if (error instanceof TypeError) return { slot, netns: undefined }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
