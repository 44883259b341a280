import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { HostSide } from '../host/context.js'
import { insideOf, withSocketInside } from '../kernel/inside.js'
import { linkName, slotOfLink } from '../layout/layout.js'
import { hasInside } from './loopback-hook.js'
import { ourHandles, type NamedNamespace } from './namespace-handles.js'

/** A container that is looked for; with `namespace`, it is in no other than that. */
export type Sought = NamedNamespace & { readonly id: string }

/** In which namespaces containers have their interfaces, and their names. */
export interface Claims {
  /** By slot, the number of the namespace that the veth's other end is in. */
  readonly numbers: ReadonlyMap<number, number>
  /** Slots of containers without a name, by that number. */
  readonly nameless: ReadonlyMap<number, readonly number[]>
  /** Slots of names that hold a namespace, by the number of this one. */
  readonly named: ReadonlyMap<number, number>
}

export async function readClaims(host: HostSide): Promise<Claims> {
  const handles = await ourHandles(host)
  const veths = await host.rt.links.list({ kind: 'veth' })
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
 * Why a namespace, where a container's interface is, may be none of the container's own; undefined if it is. Root in a container
 * can move its interface into another namespace. So it is its own only if no other container has its interface there or its name
 * on it, and if it is the one that the container had, or has INSIDE on its lo: `isolate` puts that into containers alone. Who puts
 * it into another namespace himself rules that one too, and takes it from nobody but himself.
 */
export async function whyNotOwn(
  netns: NetworkNamespace,
  { id, slot, namespace }: Sought,
  nsid: number,
  { nameless, named }: Claims,
): Promise<string | undefined> {
  const other = [named.get(nsid) ?? slot, ...(nameless.get(nsid) ?? [])].find(it => it !== slot)
  if (other !== undefined) return `its interface is in the same namespace as that of ${linkName(other)}`
  if (namespace === netns.identity) return undefined
  if (namespace !== undefined) return 'its interface is in another namespace than it was'
  const isContainer = await insideOf(id, signal => withSocketInside(netns, signal, hasInside))
  return isContainer ? undefined : 'lo has not the filter of a container where its interface is'
}
