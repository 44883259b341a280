import {
  bytes,
  choice,
  namesOf,
  object,
  oneOf,
  optional,
  passingOver,
  knownText,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { checkedObject } from '../netlink/checked-object.js'
import type { Infer, InferInput } from '../netlink/codec/index.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Uncarried } from '../netlink/uncarried.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js'
import { deviceIndex, deviceInput, deviceName } from '../netlink/devices.js'
import type { Restoration, ObjectType } from '../netlink/object-type.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'
import {
  formatHandle,
  formatParent,
  handleInput,
  parentInput,
  parentWords,
  parseClassid,
  parseParent,
  parseQdiscHandle,
  TC_H_ROOT,
} from './handle.js'
import type { FqCodelClassXstats } from './kinds/fq-codel.js'
import { htbClassOptions, type HtbClassOptions, type HtbClassXstats } from './kinds/htb.js'
import { kindWords, optionsFromWire, optionsToWire } from './kind-registry.js'
import { classKinds } from './kinds/registry.js'
import { RTM_DELTCLASS, RTM_GETTCLASS, RTM_NEWTCLASS } from './messages.js'
import { statisticsOf, type Statistics } from './statistics.js'
import { classRestoration, comesWithQdisc } from './restoration.js'
import { tcCommand, verbWord } from './tc-command.js'

const place = object({
  dev: deviceInput,
  /** The qdisc or class it is part of. What is listed has `'root'` for a class right below its qdisc. */
  parent: parentInput,
  /** `'1:10'`, of the qdisc `'1:'`. */
  classid: handleInput,
})

interface ClassPlace extends InputOf<typeof place> {}

export interface HtbClass extends ClassPlace, HtbClassOptions {
  kind: 'htb'
}
/** A flow of fq_codel, shown as a class: it is there while packets of it wait, and cannot be made. */
export interface FqCodelClass extends ClassPlace {
  kind: 'fq_codel'
}

const rawClass = object({ kind: knownText<RawClassKind>('the kind of a class'), options: optional(bytes) })

/** A kind that is not modelled, with the content of TCA_OPTIONS as it is. */
export interface RawClass extends ClassPlace, InputOf<typeof rawClass> {}

/** The kernel's kinds that are not modelled. Others come as raw bytes too. */
export type RawClassKind =
  'drr' | 'ets' | 'fq_pie' | 'hfsc' | 'mq' | 'mqprio' | 'multiq' | 'prio' | 'qfq' | 'sfq' | 'taprio' | 'tbf'

/** A class to make, by `kind`. */
export type ClassSpec = HtbClass | FqCodelClass | RawClass

/** What the kernel reports of a class beside what was asked for. */
export interface ClassState<App> {
  dev: string
  ifindex: number
  parent: string
  classid: string
  /** The qdisc that queues for the class. */
  leaf?: string
  /** `app` is what is counted for this kind alone. */
  statistics: Statistics & { app?: App }
}

/** A class as the kernel lists it. */
export type TrafficClass =
  | (HtbClass & ClassState<HtbClassXstats>)
  | (FqCodelClass & ClassState<FqCodelClassXstats>)
  | (RawClass & ClassState<Uint8Array>)

/** What a listed class has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof ClassState<unknown> | keyof Uncarried, keyof ClassPlace>, true>> =
  {
    ...{ ifindex: true, leaf: true, statistics: true, uncarried: true },
  }

const listed: Declaration<ClassPlace> = passingOver<ClassPlace>(place, Object.keys(state))

const spec: Declaration<ClassSpec> = choice(
  'kind',
  {
    htb: object({ kind: oneOf('htb') }, listed, htbClassOptions),
    fq_codel: object({ kind: oneOf('fq_codel') }, listed),
  },
  object({}, listed, rawClass),
)

const keyMembers = object({ dev: deviceInput, classid: handleInput })

export interface ClassKey extends InputOf<typeof keyMembers> {}

const key: Declaration<ClassKey> = passingOver<ClassKey>(keyMembers, namesOf(spec))

const query = object({
  dev: deviceInput,
  /** Only those of this qdisc, `'1:'`. */
  qdisc: optional(handleInput),
})

/** Which classes to list. */
export interface ClassQuery extends InputOf<typeof query> {}

type Body = Infer<typeof RTM_NEWTCLASS.body>
type BodyIn = InferInput<typeof RTM_NEWTCLASS.body>

const byKey = ({ dev, classid }: ClassKey, devices: DeviceNames): BodyIn => ({
  ifindex: deviceIndex(devices, dev),
  handle: parseClassid(classid),
})

const classes: ObjectType<ClassSpec, ClassKey, ClassQuery, TrafficClass> = {
  name: 'class',
  messages: { new: RTM_NEWTCLASS, delete: RTM_DELTCLASS, get: RTM_GETTCLASS },
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE, change: 0 },

  toNew(spec, devices, verb): BodyIn {
    if (comesWithQdisc(spec.kind)) {
      throw new TypeError(`kind is '${spec.kind}', whose classes come with their qdisc: leave them out`)
    }
    return {
      ifindex: deviceIndex(devices, spec.dev),
      parent: parseParent(spec.parent),
      handle: parseClassid(spec.classid),
      attributes: {
        kind: spec.kind,
        options: optionsToWire(classKinds.get(spec.kind), spec, devices, verb) as never,
      },
    }
  },
  /** htb takes a parent that is missing for the root (htb_change_class in net/sched/sch_htb.c). */
  precondition({ dev, parent }) {
    const number = parseParent(parent)
    return number === TC_H_ROOT || (number & 0xffff) === 0 ? undefined : { dev, classid: parent }
  },
  toDelete: byKey,
  toGet: byKey,
  toDump: ({ dev, qdisc }, devices): BodyIn => ({
    ifindex: deviceIndex(devices, dev),
    parent: qdisc === undefined ? 0 : parseQdiscHandle(qdisc),
  }),

  fromBody(body, devices) {
    const { ifindex, handle, parent, info, attributes } = body as Body
    const { kind, options, stats, stats2 } = attributes
    return {
      dev: deviceName(devices, ifindex),
      ifindex,
      parent: formatParent(parent),
      classid: formatHandle(handle),
      ...(kind !== undefined && { kind, ...optionsFromWire(classKinds, kind, options, devices) }),
      ...(info !== 0 && { leaf: formatHandle(info) }),
      statistics: statisticsOf(stats2, stats),
    } as TrafficClass
  },
  identity: ({ ifindex, classid }) => `${ifindex} ${classid}`,

  passing: ['statistics'],
  restoration: classRestoration as Restoration<ClassSpec, TrafficClass>,

  command(verb, object) {
    const dev = ['dev', deviceWord(object.dev)]
    const classid = ['classid', formatHandle(parseClassid(object.classid))]
    if (verb === 'get') return tcCommand('class show', dev, classid)
    if (verb === 'delete') return tcCommand('class del', dev, classid)
    const spec = object as ClassSpec
    return tcCommand(
      'class',
      verbWord(verb),
      dev,
      parentWords(spec.parent),
      classid,
      shellWord(spec.kind),
      kindWords(classKinds, spec, verb),
    )
  },
}

/** Classes: the parts of a qdisc that shares bandwidth out (net/sched/sch_api.c). */
export const trafficClass = checkedObject('classes', { spec, key, query }, classes)
