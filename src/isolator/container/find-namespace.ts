import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import { linkNetnsId } from '../../rtnetlink/link-netnsid.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { HostSide } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { askMany } from '../kernel/ask-many.js'
import { OBJECTS_PER_BATCH } from '../kernel/look-up.js'
import { openNetns } from '../kernel/open-netns.js'
import { readProcesses } from '../kernel/processes.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { linkName } from '../layout/layout.js'
import { readClaims, type Claims } from './claims.js'
import { namesInRunDirectory, OPEN_AT_A_TIME } from './namespace-handles.js'

/*
 * Namespaces without a name of ours. The kernel shows by which number the host's namespace knows that of a veth's peer
 * (IFLA_LINK_NETNSID), and answers by which number it knows that of a process or a file. While the veth is there, no other
 * namespace has the number.
 */

/** No namespace has this number. */
export const UNKNOWN = -1

/** A container, as far as its link is found by that. */
interface OfLink {
  readonly slot: number
  readonly ifindex?: number | undefined
}

/** By which number the host's namespace knows that of a container's end; {@link UNKNOWN} if the container's link is gone. */
export async function numberOf(rt: RtnetlinkSocket, container: OfLink): Promise<number> {
  const { slot, ifindex } = container
  if (ifindex !== undefined) return (await numbersOfEnds(rt, [container])).get(slot) ?? UNKNOWN
  const link = await unlessGone(() => rt.links.get(linkName(slot)))
  // A link of that name may be somebody else's.
  return link?.kind === 'veth' ? (link.peer?.netnsid ?? UNKNOWN) : UNKNOWN
}

/** Likewise those of many containers, by slot, in few batches; without those whose links are gone. */
export async function numbersOfEnds(
  rt: RtnetlinkSocket,
  containers: readonly OfLink[],
): Promise<Map<number, number>> {
  // 0: root inside has deleted the interface while the container was made.
  const there = containers.filter(({ ifindex = 0 }) => ifindex !== 0)
  const answers = await askMany(
    rt,
    there.map(({ ifindex = 0 }) => linkNetnsId.ask(ifindex, rt.devices)),
    OBJECTS_PER_BATCH,
  )
  return new Map(
    there.flatMap(({ slot }, i): [number, number][] => {
      const nsid = linkNetnsId.of(answers[i]?.replies ?? [])
      return nsid === undefined ? [] : [[slot, nsid]]
    }),
  )
}

/** An open namespace, and by what it was opened. */
export interface OpenedNamespace {
  readonly netns: NetworkNamespace
  readonly reference: string | number
}

/**
 * The namespace of a number, opened by the first of these pids, paths and names that leads to it; undefined if none does.
 *
 * @throws IsolatorError ERR_NOT_PERMITTED if one may not be opened, and no other leads to it
 */
export async function openIn(
  rt: RtnetlinkSocket,
  nsid: number,
  references: readonly (string | number)[],
): Promise<OpenedNamespace | undefined> {
  let refusal: IsolatorError | undefined
  for (const reference of references) {
    let netns: NetworkNamespace
    try {
      netns = openNetns(reference)
    } catch (error) {
      if (!(error instanceof IsolatorError)) throw error
      // Any other refusal says that the process has ended, or the name has gone.
      if (error.code === 'ERR_NOT_PERMITTED') refusal = error
      continue
    }
    let isIt = false
    try {
      // Another process can have got the pid meanwhile.
      isIt = (await numbersOf(rt, [netns]))[0] === nsid
      if (isIt) return { netns, reference }
    } finally {
      if (!isIt) netns.close()
    }
  }
  if (refusal) throw refusal
  return undefined
}

/** By which numbers the host's namespace knows others. */
export async function numbersOf(
  rt: RtnetlinkSocket,
  namespaces: readonly NetworkNamespace[],
): Promise<(number | undefined)[]> {
  const answers = await rt.send(namespaces.map(({ fd }) => netnsId.ask(fd)))
  return answers.map(({ replies }) => netnsId.of(replies))
}

/** What leads to namespaces, by their numbers: the pids of processes in them, then names in /run/netns. */
export type Places = ReadonlyMap<number, readonly (string | number)[]>

/** One look at the machine for any number of namespaces: what is asked for is read when it is asked for first. */
export class NamespaceSearch {
  readonly #host: HostSide
  #places: Promise<Places> | undefined
  #claims: Promise<Claims> | undefined

  constructor(host: HostSide) {
    this.#host = host
  }

  /** One question for each process on the machine, and for each name in /run/netns. */
  places(): Promise<Places> {
    this.#places ??= readPlaces(this.#host.rt).catch((error: unknown) => {
      // Such as for want of a descriptor, which there can be a moment later.
      this.#places = undefined
      throw error
    })
    return this.#places
  }

  claims(): Promise<Claims> {
    this.#claims ??= readClaims(this.#host).catch((error: unknown) => {
      this.#claims = undefined
      throw error
    })
    return this.#claims
  }
}

async function readPlaces(rt: RtnetlinkSocket): Promise<Places> {
  const { byNetns } = await readProcesses(rt)
  const places = new Map<number, (string | number)[]>(
    Array.from(byNetns, ([nsid, pids]) => [nsid, [...pids]]),
  )
  const names = await namesInRunDirectory()
  for (let i = 0; i < names.length; i += OPEN_AT_A_TIME) {
    const opened: { name: string; netns: NetworkNamespace }[] = []
    try {
      for (const name of names.slice(i, i + OPEN_AT_A_TIME)) {
        const netns = openName(name)
        if (netns) opened.push({ name, netns })
      }
      const numbers = await numbersOf(
        rt,
        opened.map(({ netns }) => netns),
      )
      for (const [j, { name }] of opened.entries()) {
        const nsid = numbers[j]
        if (nsid !== undefined) places.set(nsid, [...(places.get(nsid) ?? []), name])
      }
    } finally {
      for (const { netns } of opened) netns.close()
    }
  }
  return places
}

/** Undefined for what is no namespace, or may not be opened. */
function openName(name: string): NetworkNamespace | undefined {
  try {
    return openNetns(name)
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    return undefined
  }
}
