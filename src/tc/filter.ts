import {
  bytes,
  choice,
  either,
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
import { carriedBy } from '../netlink/codec/carried-by.js'
import { u32, type Infer, type InferInput } from '../netlink/codec/index.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js'
import { deviceIndex, deviceInput, deviceName } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Restoration, ObjectType } from '../netlink/object-type.js'
import type { Uncarried } from '../netlink/uncarried.js'
import { actionsInput, type Action } from './action.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'
import { etherTypeInput, etherTypeName, etherTypeNumber, networkOrder, type EtherType } from './ether-type.js'
import type { AnyFilterKind } from './filter-kind.js'
import {
  formatParent,
  handleInput,
  parentInput,
  parentNumber,
  parentWords,
  parseParent,
  type Handle,
} from './handle.js'
import {
  classicBpfInput,
  extendedBpfInput,
  type BpfState,
  type ClassicBpf,
  type ExtendedBpf,
} from './kinds/bpf.js'
import type { RawFilterState } from './kinds/raw-filter.js'
import { kindWords, optionsFromWire, optionsToWire } from './kind-registry.js'
import { filterKinds } from './kinds/registry.js'
import type { ListedU32Node, ListedU32Table, U32State } from './kinds/u32.js'
import { u32NodeInput, u32TableInput, type U32Node, type U32Table } from './kinds/u32-checks.js'
import { RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWTFILTER } from './messages.js'
import { optionWords } from './options-kind.js'
import { filterRestoration } from './restoration.js'
import { tcCommand, verbWord } from './tc-command.js'
import { u32HandleInput } from './u32-handle.js'
import { wholeNumber } from './whole-number.js'

const place = object({
  dev: deviceInput,
  /** `'ingress'` and `'egress'` of an ingress or clsact qdisc, or the handle of a qdisc or class. */
  parent: parentInput,
  /** 1 to 65535: lower ones are tried first. The kernel takes 0 for one that it chooses, or for all of them. */
  priority: whole(1, 0xffff),
  /** The packets it looks at; a VLAN tag counts as `'802.1Q'` even where the hardware took it off. */
  protocol: etherTypeInput,
  /** Default 0, where packets start. */
  chain: optional(carriedBy(u32)),
})

/** Where a filter is. All filters of a priority have the same protocol and kind. */
interface FilterPlace extends InputOf<typeof place> {}

/** A filter of the u32 classifier that compares keys. */
export interface U32NodeFilter extends FilterPlace, U32Node {
  kind: 'u32'
}
/** A hash table of such filters. */
export interface U32TableFilter extends FilterPlace, U32Table {
  kind: 'u32'
}
export type U32Filter = U32NodeFilter | U32TableFilter

/** A filter that is a classic-BPF program. */
export interface ClassicBpfFilter extends FilterPlace, ClassicBpf {
  kind: 'bpf'
}
/** A filter that is an eBPF program, which is loaded already. */
export interface ExtendedBpfFilter extends FilterPlace, ExtendedBpf {
  kind: 'bpf'
}
export type BpfFilter = ClassicBpfFilter | ExtendedBpfFilter

const rawFilter = object({
  kind: knownText<RawFilterKind>('the kind of a filter'),
  handle: optional(carriedBy(u32)),
  /** All but the actions. */
  options: optional(bytes),
  actions: optional(actionsInput),
})

/**
 * A kind that is not modelled, with the content of TCA_OPTIONS as bytes, but for the actions. What is listed makes the
 * same filter again: it lacks what only reports (counters, flags that the kernel sets and refuses to be given).
 */
export interface RawFilter extends FilterPlace, InputOf<typeof rawFilter> {}

/** The kernel's kinds that are not modelled (net/sched/cls_*.c). Others come as raw bytes too. */
export type RawFilterKind = 'basic' | 'cgroup' | 'flow' | 'flower' | 'fw' | 'matchall' | 'route'

/** A filter to make, by `kind`. */
export type FilterSpec = U32NodeFilter | U32TableFilter | ClassicBpfFilter | ExtendedBpfFilter | RawFilter

/** What the kernel reports of a filter beside what was asked for. */
export interface FilterState {
  dev: string
  ifindex: number
  parent: string
  chain: number
}

/** A filter as the kernel lists it. */
export type Filter =
  | (U32NodeFilter & ListedU32Node & FilterState & { handle: string })
  | (U32TableFilter & ListedU32Table & FilterState & { handle: string })
  | (BpfFilter & BpfState & FilterState & { handle: number; actions?: readonly Action[] })
  | (RawFilter & RawFilterState & FilterState & { handle: number; actions?: readonly Action[] })

/** What a listed filter has beside what it was made of. */
const state: Readonly<
  Record<
    Exclude<keyof FilterState | keyof U32State | keyof BpfState | keyof Uncarried, keyof FilterPlace>,
    true
  >
> = { ifindex: true, inHardware: true, statistics: true, id: true, tag: true, uncarried: true }

const listedPlace: Declaration<FilterPlace> = passingOver<FilterPlace>(place, Object.keys(state))

const spec: Declaration<FilterSpec> = choice(
  'kind',
  {
    u32: presence<U32TableFilter, U32NodeFilter>(
      'divisor',
      object({ kind: oneOf('u32') }, listedPlace, u32TableInput),
      object({ kind: oneOf('u32') }, listedPlace, u32NodeInput),
    ),
    bpf: presence<ClassicBpfFilter, ExtendedBpfFilter>(
      'program',
      object({ kind: oneOf('bpf') }, listedPlace, classicBpfInput),
      object({ kind: oneOf('bpf') }, listedPlace, extendedBpfInput),
    ),
  },
  object({}, listedPlace, rawFilter),
)

const keyMembers = object({
  kind: knownText<FilterSpec['kind']>('the kind of the filter'),
  /** Of a u32 node with the number of its table: the kernel finds `'800::1'`, not `'::1'`. */
  handle: either(u32HandleInput, handleInput),
})

/** The one filter. Everything is needed: the kernel takes handle 0 for all filters of the priority. */
export interface FilterKey extends FilterPlace, InputOf<typeof keyMembers> {}

const key: Declaration<FilterKey> = passingOver(object({}, place, keyMembers), namesOf(spec))

const queryMembers = object({
  dev: deviceInput,
  parent: parentInput,
  priority: optional(whole(1, 0xffff)),
  protocol: optional(etherTypeInput),
  chain: optional(carriedBy(u32)),
})

/** Which filters to list. */
export interface FilterQuery extends InputOf<typeof queryMembers> {}

type Body = Infer<typeof RTM_NEWTFILTER.body>
type BodyIn = InferInput<typeof RTM_NEWTFILTER.body>

const byKey = (key: FilterKey, devices: DeviceNames): BodyIn =>
  bodyOf(key, devices, existingHandle(key), { chain: key.chain || undefined, kind: key.kind })

const filters: ObjectType<FilterSpec, FilterKey, FilterQuery, Filter> = {
  name: 'filter',
  messages: { new: RTM_NEWTFILTER, delete: RTM_DELTFILTER, get: RTM_GETTFILTER },
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE, change: 0 },

  toNew(spec, devices, verb) {
    const kind = filterKinds.get(spec.kind)
    const handle = spec.handle === undefined ? 0 : handleNumber(kind, spec.handle)
    return bodyOf(spec, devices, handle, {
      chain: spec.chain || undefined,
      kind: spec.kind,
      options: optionsToWire(kind, spec, devices, verb) as never,
    })
  },
  toDelete: byKey,
  toGet: byKey,
  toDump: ({ dev, parent, priority, protocol, chain }, devices): BodyIn => ({
    ifindex: deviceIndex(devices, dev),
    parent: parentNumber(parent),
    info: tcmInfo(priority ?? 0, protocol === undefined ? 0 : etherTypeNumber(protocol)),
    attributes: { chain },
  }),
  // A dump also has an entry per priority, which is no filter: it has neither handle nor options.
  matches: ({ handle }) => (handle as Handle | undefined) !== undefined,

  fromBody(body, devices) {
    const { ifindex, handle, parent, info, attributes } = body as Body
    const { kind = '', options, chain = 0 } = attributes
    return {
      dev: deviceName(devices, ifindex),
      ifindex,
      parent: formatParent(parent),
      priority: info >>> 16,
      protocol: etherTypeName(networkOrder(info & 0xffff)),
      chain,
      kind,
      ...(handle !== 0 && { handle: filterKinds.get(kind)?.formatHandle(handle) ?? handle }),
      ...optionsFromWire(filterKinds, kind, options, devices),
    } as Filter
  },
  identity: ({ ifindex, parent, chain, priority, protocol, kind, handle }) =>
    [ifindex, parent, chain, priority, protocol, kind, handle].join(' '),

  passing: ['statistics', 'age', 'inHardware'],
  restoration: filterRestoration as Restoration<FilterSpec, Filter>,

  command(verb, object) {
    const { dev, parent, priority, protocol, chain, kind, handle } = object
    const place = [
      ...['dev', deviceWord(dev), ...parentWords(parent)],
      ...optionWords({ prio: priority, protocol: protocolWord(protocol), chain: chain || undefined }),
      ...optionWords({ handle: handle === undefined ? undefined : handleWord(kind, handle) }),
    ]
    const keyOnly = verb === 'get' || verb === 'delete'
    return tcCommand(
      'filter',
      verbWord(verb),
      place,
      shellWord(kind),
      keyOnly ? [] : kindWords(filterKinds, object, verb),
    )
  },
}

/** Filters: what happens to which packets (net/sched/cls_api.c). */
export const filter = checkedObject('filters', { spec, key, query: queryMembers }, filters)

function bodyOf(
  { dev, parent, priority, protocol }: FilterPlace,
  devices: DeviceNames,
  handle: number,
  attributes: BodyIn['attributes'],
): BodyIn {
  return {
    ifindex: deviceIndex(devices, dev),
    handle,
    parent: parseParent(parent),
    info: tcmInfo(priority, etherTypeNumber(protocol)),
    attributes,
  }
}

/** tcm_info: the priority, and the protocol in network order. */
const tcmInfo = (priority: number, protocol: number): number =>
  ((priority << 16) | networkOrder(protocol)) >>> 0

const handleNumber = (kind: AnyFilterKind | undefined, handle: Handle): number =>
  kind?.parseHandle(handle) ?? wholeNumber('handle', handle as number)

function existingHandle({ kind: name, handle }: FilterKey): number {
  const kind = filterKinds.get(name)
  const number = (handle as Handle | undefined) === undefined ? 0 : handleNumber(kind, handle)
  if (number === 0) {
    throw new TypeError(
      `handle is ${handle}: the kernel would take that for all filters of the priority; name one`,
    )
  }
  kind?.checkExisting?.(number)
  return number
}

const protocolWord = (protocol: EtherType): string =>
  typeof protocol === 'number' ? `${etherTypeName(protocol)}` : protocol

function handleWord(name: string, handle: Handle): string {
  const kind = filterKinds.get(name)
  return `${kind?.formatHandle(handleNumber(kind, handle)) ?? handle}`
}
