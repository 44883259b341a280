import {
  boolean,
  bytes,
  choice,
  namesOf,
  object,
  oneOf,
  optional,
  passingOver,
  presence,
  knownText,
  whole,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { checkedObject } from '../netlink/checked-object.js'
import type { Infer, InferInput } from '../netlink/codec/index.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Uncarried } from '../netlink/uncarried.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/constants.js'
import { deviceIndex, deviceInput, deviceName, type Device } from '../netlink/devices.js'
import type { Restoration, ObjectType } from '../netlink/object-type.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'
import {
  formatHandle,
  formatParent,
  handleInput,
  parentInput,
  parentWords,
  parseParent,
  parseQdiscHandle,
  TC_H_INGRESS,
  type Handle,
  type Parent,
} from './handle.js'
import { fifoOptions, type FifoOptions } from './kinds/fifo.js'
import { fqCodelOptions, type FqCodelOptions, type FqCodelQdiscXstats } from './kinds/fq-codel.js'
import { htbOptions, type HtbOptions } from './kinds/htb.js'
import { kindWords, optionsFromWire, optionsToWire } from './kind-registry.js'
import { rawQdiscOptions } from './kinds/raw-qdisc.js'
import { qdiscKinds } from './kinds/registry.js'
import {
  peakedTbfOptions,
  plainTbfOptions,
  type PeakedTbfOptions,
  type PlainTbfOptions,
} from './kinds/tbf.js'
import { RTM_DELQDISC, RTM_GETQDISC, RTM_NEWQDISC } from './messages.js'
import { optionWords } from './options-kind.js'
import { statisticsOf, type Statistics } from './statistics.js'
import { qdiscRestoration } from './restoration.js'
import { sizeTableInput, sizeTableOf, sizeTableToWire, sizeTableWords } from './size-table.js'
import { tcCommand, verbWord } from './tc-command.js'

const handle = optional(handleInput)

const place = object({
  dev: deviceInput,
  /** `'root'`, or the class it queues for. */
  parent: parentInput,
  /** `'1:'`. Chosen by the kernel where it is not given. */
  handle,
  /** Count packets as longer or shorter than they are. */
  stab: optional(sizeTableInput),
})

/** Where a qdisc is, and what it is called. */
interface QdiscPlace extends InputOf<typeof place> {}

const hookPlace = object({
  dev: deviceInput,
  parent: optional(parentInput),
  handle,
  /** Share the filters of `'ingress'` with all qdiscs that name the same block: a number from 1. */
  ingressBlock: optional(whole(1)),
  /** The same for the filters of `'egress'`. */
  egressBlock: optional(whole(1)),
})

/** The place of an ingress or clsact qdisc, of which a device has one: ffff:fff1, with the handle ffff:. */
interface HookPlace extends InputOf<typeof hookPlace> {}

/** A hook for filters on what arrives. */
export interface IngressQdisc extends HookPlace {
  kind: 'ingress'
}
/** Hooks for filters on what arrives and what is sent. */
export interface ClsactQdisc extends HookPlace {
  kind: 'clsact'
}
export interface FifoQdisc extends QdiscPlace, FifoOptions {
  kind: 'pfifo' | 'bfifo'
}
export interface FqCodelQdisc extends QdiscPlace, FqCodelOptions {
  kind: 'fq_codel'
}
export interface HtbQdisc extends QdiscPlace, HtbOptions {
  kind: 'htb'
}
export interface PeakedTbfQdisc extends QdiscPlace, PeakedTbfOptions {
  kind: 'tbf'
}
export interface PlainTbfQdisc extends QdiscPlace, PlainTbfOptions {
  kind: 'tbf'
}
export type TbfQdisc = PeakedTbfQdisc | PlainTbfQdisc

const rawQdisc = object({ kind: knownText<RawQdiscKind>('the kind of a qdisc'), options: optional(bytes) })

/** A kind that is not modelled, with the content of TCA_OPTIONS as it is. */
export interface RawQdisc extends QdiscPlace, InputOf<typeof rawQdisc> {}

/** The kernel's kinds that are not modelled (net/sched/sch_*.c). Others come as raw bytes too. */
export type RawQdiscKind =
  | 'cake'
  | 'cbs'
  | 'choke'
  | 'codel'
  | 'drr'
  | 'dualpi2'
  | 'etf'
  | 'ets'
  | 'fq'
  | 'fq_pie'
  | 'gred'
  | 'hfsc'
  | 'hhf'
  | 'mq'
  | 'mqprio'
  | 'multiq'
  | 'netem'
  | 'noqueue'
  | 'pfifo_fast'
  | 'pfifo_head_drop'
  | 'pie'
  | 'plug'
  | 'prio'
  | 'qfq'
  | 'red'
  | 'sfb'
  | 'sfq'
  | 'skbprio'
  | 'taprio'

/** A qdisc to make, by `kind`. */
export type QdiscSpec = IngressQdisc | ClsactQdisc | FifoQdisc | FqCodelQdisc | HtbQdisc | TbfQdisc | RawQdisc

/** What the kernel reports of a qdisc beside what was asked for. */
export interface QdiscState<App = never> {
  dev: string
  ifindex: number
  /** `'root'`, or the class it queues for. */
  parent: string
  /** `'0:'` for a qdisc that the kernel made by itself. */
  handle: string
  references: number
  /** Carried out by the device. */
  offloaded: boolean
  /** `app` is what is counted for this kind alone. */
  statistics: Statistics & { app?: App }
}

/** A qdisc as the kernel lists it. */
export type Qdisc =
  | ((IngressQdisc | ClsactQdisc | FifoQdisc | HtbQdisc | TbfQdisc) & QdiscState)
  | (FqCodelQdisc & QdiscState<FqCodelQdiscXstats>)
  | (RawQdisc & QdiscState<Uint8Array>)

/** What a listed qdisc has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof QdiscState | keyof Uncarried, keyof QdiscPlace>, true>> = {
  ...{ ifindex: true, references: true, offloaded: true, statistics: true, uncarried: true },
}

const listed: Declaration<QdiscPlace> = passingOver<QdiscPlace>(place, Object.keys(state))
const listedHook: Declaration<HookPlace> = passingOver<HookPlace>(hookPlace, Object.keys(state))

const fifoQdisc: Declaration<FifoQdisc> = object({ kind: oneOf('pfifo', 'bfifo') }, listed, fifoOptions)

const spec: Declaration<QdiscSpec> = choice(
  'kind',
  {
    ingress: object({ kind: oneOf('ingress') }, listedHook),
    clsact: object({ kind: oneOf('clsact') }, listedHook),
    pfifo: fifoQdisc,
    bfifo: fifoQdisc,
    fq_codel: object({ kind: oneOf('fq_codel') }, listed, fqCodelOptions),
    htb: object({ kind: oneOf('htb') }, listed, htbOptions),
    tbf: presence<PeakedTbfQdisc, PlainTbfQdisc>(
      'peakRate',
      object({ kind: oneOf('tbf') }, listed, peakedTbfOptions),
      object({ kind: oneOf('tbf') }, listed, plainTbfOptions),
    ),
  },
  object({}, listed, rawQdisc),
)

/** The one qdisc at a place. The kernel refuses to delete one of another kind or handle, where they are given. */
export type QdiscKey =
  | { dev: Device; kind: 'ingress' | 'clsact' }
  | { dev: Device; parent: Parent; handle?: Handle | undefined; kind?: QdiscSpec['kind'] | undefined }

const hookKey = passingOver(object({ dev: deviceInput, kind: oneOf('ingress', 'clsact') }), namesOf(spec))

const key: Declaration<QdiscKey> = choice(
  'kind',
  { ingress: hookKey, clsact: hookKey },
  passingOver(
    object({
      dev: deviceInput,
      parent: parentInput,
      handle,
      kind: optional(knownText<QdiscSpec['kind']>('the kind of the qdisc')),
    }),
    namesOf(spec),
  ),
)

const query = object({
  /** Default: those of all devices. */
  dev: optional(deviceInput),
  /** List those too that the kernel made by itself below others. */
  invisible: optional(boolean),
})

/** Which qdiscs to list. */
export interface QdiscQuery extends InputOf<typeof query> {}

type Body = Infer<typeof RTM_NEWQDISC.body>
type BodyIn = InferInput<typeof RTM_NEWQDISC.body>

const qdiscs: ObjectType<QdiscSpec, QdiscKey, QdiscQuery, Qdisc> = {
  name: 'qdisc',
  messages: { new: RTM_NEWQDISC, delete: RTM_DELQDISC, get: RTM_GETQDISC },
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: 0 },

  toNew(spec, devices, verb): BodyIn {
    if (verb === 'add') refuseDefault(spec)
    const kind = qdiscKinds.get(spec.kind)
    return {
      ifindex: deviceIndex(devices, spec.dev),
      ...placeOf(spec),
      attributes: {
        kind: spec.kind,
        ...('ingressBlock' in spec && { ingressBlock: spec.ingressBlock }),
        ...('egressBlock' in spec && { egressBlock: spec.egressBlock }),
        options: kind ? optionsToWire(kind, spec, devices, verb) : rawQdiscOptions(spec),
        stab: 'stab' in spec && spec.stab ? sizeTableToWire(spec.stab) : undefined,
      },
    }
  },
  toDelete: byKey,
  toGet: byKey,
  toDump: ({ dev, invisible }, devices): BodyIn => ({
    ifindex: dev === undefined ? 0 : deviceIndex(devices, dev),
    attributes: { dumpInvisible: invisible ? true : undefined },
  }),
  matches: (object, { dev }, devices) => dev === undefined || object.ifindex === deviceIndex(devices, dev),

  fromBody(body, devices) {
    const { ifindex, handle, parent, info, attributes } = body as Body
    const { kind, options, stats, stats2, hwOffload = 0, ingressBlock, egressBlock, stab } = attributes
    return {
      dev: deviceName(devices, ifindex),
      ifindex,
      parent: formatParent(parent),
      handle: formatHandle(handle),
      ...(kind !== undefined && { kind, ...optionsFromWire(qdiscKinds, kind, options, devices) }),
      ...(ingressBlock !== undefined && { ingressBlock }),
      ...(egressBlock !== undefined && { egressBlock }),
      ...(stab?.base && (sizeTableOf(stab.base) ?? { uncarried: ['TCA_STAB'] })),
      references: info,
      offloaded: hwOffload !== 0,
      statistics: statisticsOf(stats2, stats),
    } as Qdisc
  },
  identity: ({ ifindex, parent, handle, kind }) => `${ifindex} ${parent} ${handle} ${kind}`,

  passing: ['statistics', 'references'],
  restoration: qdiscRestoration as Restoration<QdiscSpec, Qdisc>,

  command(verb, object) {
    const place = ['dev', deviceWord(object.dev), ...placeWords(object)]
    if (verb === 'get') return tcCommand('qdisc show', place)
    const spec = object as QdiscSpec
    return tcCommand(
      'qdisc',
      verbWord(verb),
      place,
      object.kind === undefined ? [] : shellWord(object.kind),
      verb === 'delete' ? [] : kindWords(qdiscKinds, spec, verb),
    )
  },
}

/** Qdiscs: how packets queue at a device (net/sched/sch_api.c). */
export const qdisc = checkedObject('qdiscs', { spec, key, query }, qdiscs)

const isHook = (object: QdiscSpec | QdiscKey): object is IngressQdisc | ClsactQdisc =>
  object.kind === 'ingress' || object.kind === 'clsact'

function byKey(key: QdiscKey, devices: DeviceNames): BodyIn {
  return { ifindex: deviceIndex(devices, key.dev), ...placeOf(key), attributes: { kind: key.kind } }
}

/** The members of tcmsg that say which qdisc is meant. */
function placeOf(object: QdiscSpec | QdiscKey): { parent: number; handle: number } {
  if (isHook(object)) return { parent: TC_H_INGRESS, handle: 0xffff0000 }
  const { parent, handle } = object as QdiscPlace
  return { parent: parseParent(parent), handle: handle === undefined ? 0 : parseQdiscHandle(handle) }
}

function placeWords(object: QdiscSpec | QdiscKey): string[] {
  if (isHook(object)) {
    return optionWords({ ingress_block: object.ingressBlock, egress_block: object.egressBlock })
  }
  const { parent, handle } = object as QdiscPlace
  const shown = handle === undefined || parseQdiscHandle(handle) === 0 ? undefined : parseQdiscHandle(handle)
  const stab = (object as QdiscPlace).stab
  return [
    ...parentWords(parent),
    ...(shown === undefined ? [] : ['handle', formatHandle(shown)]),
    ...(stab ? sizeTableWords(stab) : []),
  ]
}

/** A qdisc that is listed with handle 0 is the default of a device or class: added, it would be another with a handle. */
function refuseDefault(spec: QdiscSpec): void {
  const { handle, kind, references = 0 } = spec as QdiscSpec & Partial<QdiscState>
  if (references === 0 || handle === undefined || parseQdiscHandle(handle) !== 0) return
  throw new RangeError(
    `handle is '0:', which a ${kind} qdisc has that the kernel made by itself: leave the qdisc out, or give it another handle`,
  )
}
