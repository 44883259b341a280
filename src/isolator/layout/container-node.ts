import type { Filter } from '../../tc/index.js'
import { containerPlace } from './filter-places.js'
import { linkName, slotOfFlow, slotOfLink } from './layout.js'
import { blockOfKey, type PortBlock } from './port-blocks.js'

/** A port or mirror node of a container, as it was found on an interface of the host. */
export interface ContainerNode {
  readonly filter: Filter & { kind: 'u32' }
  /** The name of the link it leads to; undefined where that is gone. */
  readonly link: string | undefined
  /** The ports whose packets it brings; undefined for a mirror node, and for a key that no node of ours has. */
  readonly block: PortBlock | undefined
}

/** What a filter in the place of a container's node says; undefined for a filter elsewhere, or one that leads nowhere. */
export function containerNode(filter: Filter): ContainerNode | undefined {
  const place = containerPlace(filter)
  if (place === undefined || filter.kind !== 'u32') return undefined
  const [target] = targetsOf(filter)
  if (target === undefined) return undefined
  const [key] = filter.keys ?? []
  return {
    filter,
    link: target === NOWHERE ? undefined : target,
    block: place === 'mirror' || !key ? undefined : blockOfKey(key, place),
  }
}

const NOWHERE = ''

/** The link that a node redirects or mirrors to, or whose flow it chooses. */
function targetsOf({ classid, actions = [] }: ContainerNode['filter']): string[] {
  if (classid !== undefined) return [linkName(slotOfFlow(classid))]
  // `'*'` is what is listed for a device that is gone, and `if<index>` for one without a name.
  return actions.flatMap(action =>
    action.kind === 'mirred' ? [String(action.dev).replace(/^(\*|if\d+)$/, NOWHERE)] : [],
  )
}

/** The slot of the container that a node leads to; undefined where its link is gone, or no container's. */
export const ownerOf = ({ link }: ContainerNode): number | undefined =>
  link === undefined ? undefined : slotOfLink(link)
