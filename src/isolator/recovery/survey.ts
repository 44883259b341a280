import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { trafficClass, type Filter } from '../../tc/index.js'
import type { HostContext } from '../host/context.js'
import { slotOfLink, slotOfShaper } from '../layout/layout.js'
import { lookUp } from '../kernel/look-up.js'
import { ourHandles, type HeldNamespace } from '../container/namespace-handles.js'
import { LIMIT, limitOfClass } from '../plan/limit.js'
import type { RateLimit } from '../options/rate-limit.js'

/** What the kernel has of containers. */
export interface Survey {
  /** The veths that are named `pm<slot>`, by slot. */
  readonly links: ReadonlyMap<number, Link>
  /** The near ends of shapers, by slot. */
  readonly shapers: ReadonlyMap<number, Link>
  /** The filters of our priorities on the host's two interfaces, and on those that were the public one before. */
  readonly publicFilters: readonly Filter[]
  readonly loopbackFilters: readonly Filter[]
  /** Those that copy what is for everyone. */
  readonly answerFilters: readonly Filter[]
  /** Those that choose a flow, where there is one per container. */
  readonly flowFilters: readonly Filter[]
  /** What containers may receive at most, by slot, for those that are limited. */
  readonly ingress: ReadonlyMap<number, RateLimit>
  /** What they may send at most, where that is enforced on the host. */
  readonly egress: ReadonlyMap<number, RateLimit>
  /** The names `pm<slot>` in /run/netns that are ours: by slot the namespace that each holds, undefined where it holds none. */
  readonly handles: ReadonlyMap<number, HeldNamespace | undefined>
}

type HostFilters = Pick<Survey, 'publicFilters' | 'loopbackFilters' | 'answerFilters' | 'flowFilters'>

/** Reads the rest of it, where the links and the host's filters have been read already. */
export async function surveyOf(
  { netns, rt }: Pick<HostContext, 'netns' | 'rt'>,
  all: readonly Link[],
  filters: HostFilters,
): Promise<Survey> {
  const veths = all.filter(({ kind }) => kind === 'veth')
  const links = bySlot(veths, slotOfLink)
  const shapers = bySlot(veths, slotOfShaper)
  return {
    ...filters,
    links,
    shapers,
    ingress: await limitsOn(rt, links),
    egress: await limitsOn(rt, shapers),
    handles: await ourHandles({ netns, rt }),
  }
}

/** All filters of the host that a survey has. */
export const filtersIn = ({
  publicFilters,
  loopbackFilters,
  answerFilters,
  flowFilters,
}: Survey): Filter[] => [...publicFilters, ...loopbackFilters, ...answerFilters, ...flowFilters]

/** The limits on what is sent by these links, by slot. */
export async function limitsOn(
  rt: RtnetlinkSocket,
  links: ReadonlyMap<number, Link>,
): Promise<Map<number, RateLimit>> {
  const limited = [...links].filter(([, { qdisc }]) => qdisc === 'htb')
  const classes = await lookUp(
    rt,
    trafficClass,
    limited.map(([, { name }]) => ({ dev: name, classid: LIMIT.class })),
  )
  return new Map(
    limited.flatMap(([slot], i) => {
      const found = classes[i]
      return found?.kind === 'htb' ? [[slot, limitOfClass(found)]] : []
    }),
  )
}

/** Links by the slot that their name tells, where it tells one. */
export const bySlot = (
  links: readonly Link[],
  slotOf: (name: string) => number | undefined,
): Map<number, Link> =>
  new Map(
    links.flatMap(link => {
      const slot = slotOf(link.name)
      return slot === undefined ? [] : [[slot, link]]
    }),
  )
