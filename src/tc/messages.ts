import { byKind, type Codec } from '../netlink/codec/index.js'
import type { MessageType } from '../netlink/message-type.js'
import { codecsOf, type Registry } from './kind-registry.js'
import { classKinds, filterKinds, qdiscKinds } from './kinds/registry.js'
import type { AnyOptionsKind } from './options-kind.js'
import { tcBody } from './tca.js'

/** TCA_XSTATS and TCA_STATS_APP of the kinds that have any. */
const xstatsOf = (kinds: Registry<AnyOptionsKind>): Codec<unknown> =>
  byKind(
    'kind',
    Object.fromEntries([...kinds].flatMap(([name, { xstats }]) => (xstats ? [[name, xstats]] : []))),
  )

const qdiscBody = tcBody(byKind('kind', codecsOf(qdiscKinds)), xstatsOf(qdiscKinds))
const classBody = tcBody(byKind('kind', codecsOf(classKinds)), xstatsOf(classKinds))
const filterBody = tcBody(byKind('kind', codecsOf(filterKinds)), byKind('kind', {}))

const message = <Out, In>(name: string, type: number, body: Codec<Out, In>): MessageType<Out, In> => ({
  name,
  type,
  body,
})

// linux/rtnetlink.h
export const RTM_NEWQDISC = message('RTM_NEWQDISC', 36, qdiscBody)
export const RTM_DELQDISC = message('RTM_DELQDISC', 37, qdiscBody)
export const RTM_GETQDISC = message('RTM_GETQDISC', 38, qdiscBody)
export const RTM_NEWTCLASS = message('RTM_NEWTCLASS', 40, classBody)
export const RTM_DELTCLASS = message('RTM_DELTCLASS', 41, classBody)
export const RTM_GETTCLASS = message('RTM_GETTCLASS', 42, classBody)
export const RTM_NEWTFILTER = message('RTM_NEWTFILTER', 44, filterBody)
export const RTM_DELTFILTER = message('RTM_DELTFILTER', 45, filterBody)
export const RTM_GETTFILTER = message('RTM_GETTFILTER', 46, filterBody)
