import type { Infer, InferInput } from '../netlink/codec/index.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js'
import { deviceIndex, deviceName, type Device } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Restoration, ObjectType, Verb } from '../netlink/object-type.js'
import type { Action, ActionSpec } from './action.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'
import { etherTypeName, etherTypeNumber, networkOrder, type EtherType } from './ether-type.js'
import type { AnyFilterKind } from './filter-kind.js'
import { formatParent, parentNumber, parentWords, parseParent, type Handle, type Parent } from './handle.js'
import type { BpfFields, BpfState } from './kinds/bpf.js'
import { filterKinds } from './kinds/registry.js'
import type { U32State } from './kinds/u32.js'
import type { U32Fields } from './kinds/u32-checks.js'
import { RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWTFILTER } from './messages.js'
import { optionWords } from './options-kind.js'
import { filterRestoration } from './restoration.js'
import { rawWords, tcCommand, verbWord } from './tc-command.js'
import type { U32Key, U32Keys } from './u32-key.js'
import { wholeNumber } from './whole-number.js'

/** Where a filter is. All filters of a priority have the same protocol and kind. */
interface FilterPlace {
  dev: Device
  /** `'ingress'` and `'egress'` of an ingress or clsact qdisc, or the handle of a qdisc or class. */
  parent: Parent
  /** 1 to 65535: lower ones are tried first. */
  priority: number
  /** The packets it looks at; a VLAN tag counts as `'802.1Q'` even where the hardware took it off. */
  protocol: EtherType
  /** Default 0, where packets start. */
  chain?: number | undefined
}

export interface U32Filter<A extends ActionSpec = ActionSpec, K extends U32Keys = U32Keys>
  extends FilterPlace, U32Fields<A, K> {
  kind: 'u32'
}
export interface BpfFilter<A extends ActionSpec = ActionSpec> extends FilterPlace, BpfFields<A> {
  kind: 'bpf'
}
/**
 * A kind that is not modelled, with the content of TCA_OPTIONS as it is. What is listed holds flags that the kernel set,
 * and that it refuses to be given (`flower`, `matchall`).
 */
export interface RawFilter extends FilterPlace {
  kind: RawFilterKind
  handle?: number | undefined
  options?: Uint8Array | undefined
}

/** The kernel's kinds that are not modelled (net/sched/cls_*.c). Others come as raw bytes too. */
export type RawFilterKind = 'basic' | 'cgroup' | 'flow' | 'flower' | 'fw' | 'matchall' | 'route'

/** A filter to make, by `kind`. */
export type FilterSpec = U32Filter | BpfFilter | RawFilter

/** What the kernel tells of a filter beside what was asked for. */
export interface FilterState {
  dev: string
  ifindex: number
  parent: string
  chain: number
}

/** A filter as the kernel lists it. */
export type Filter =
  | (U32Filter<Action, readonly U32Key[]> & FilterState & U32State & { handle: string })
  | (BpfFilter<Action> & FilterState & BpfState & { handle: number })
  | (RawFilter & FilterState & { handle: number })

/** The one filter. Everything is needed: the kernel takes handle 0 for all filters of the priority. */
export interface FilterKey extends FilterPlace {
  kind: FilterSpec['kind']
  /** Of a u32 node with the number of its table: the kernel finds `'800::1'`, not `'::1'`. */
  handle: Handle
}

/** Which filters to list. */
export interface FilterQuery {
  dev: Device
  parent: Parent
  priority?: number | undefined
  protocol?: EtherType | undefined
  chain?: number | undefined
}

type Body = Infer<typeof RTM_NEWTFILTER.body>
type BodyIn = InferInput<typeof RTM_NEWTFILTER.body>

/** Filters: what happens to which packets (net/sched/cls_api.c). */
export const filter: ObjectType<FilterSpec, FilterKey, FilterQuery, Filter> = {
  name: 'filter',
  messages: { new: RTM_NEWTFILTER, delete: RTM_DELTFILTER, get: RTM_GETTFILTER },
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE, change: 0 },

  toNew(spec, devices, verb) {
    const kind = filterKinds.get(spec.kind)
    const handle = spec.handle === undefined ? 0 : handleNumber(kind, spec.handle)
    return bodyOf(spec, devices, handle, {
      chain: spec.chain || undefined,
      kind: spec.kind,
      options: kind ? kind.toWire(spec as never, devices, verb) : (spec as RawFilter).options,
    })
  },
  toDelete: (key, devices) =>
    bodyOf(key, devices, existingHandle(key), { chain: key.chain || undefined, kind: key.kind }),
  toGet: (key, devices) => filter.toDelete(key, devices),
  toDump: ({ dev, parent, priority, protocol, chain }, devices): BodyIn => ({
    ifindex: deviceIndex(devices, dev),
    parent: parentNumber(parent),
    info: tcmInfo(
      priority === undefined ? 0 : checkedPriority(priority),
      protocol === undefined ? 0 : etherTypeNumber(protocol),
    ),
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
      ...fieldsOf(kind, options, devices),
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
      keyOnly ? [] : wordsOf(object as FilterSpec, verb),
    )
  },
}

const wordsOf = (spec: FilterSpec, verb: Verb): string[] =>
  filterKinds.get(spec.kind)?.words(spec as never, verb) ??
  rawWords('TCA_OPTIONS', (spec as RawFilter).options)

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
    info: tcmInfo(checkedPriority(priority), etherTypeNumber(protocol)),
    attributes,
  }
}

/** 0 would have the kernel choose a priority, or mean all of them. */
const checkedPriority = (priority: number): number => wholeNumber('priority', priority, 1, 0xffff)

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

function fieldsOf(name: string, options: unknown, devices: DeviceNames): object {
  if (options instanceof Uint8Array) return { options }
  return options === undefined ? {} : (filterKinds.get(name)?.fromWire(options as never, devices) ?? {})
}
