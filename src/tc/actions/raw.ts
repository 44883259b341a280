import { littleEndian } from '../../netlink/codec/byte-order.js'
import type { UnknownAttribute } from '../../netlink/codec/unknown-attribute.js'
import { readAttributes, writeAttributes } from '../raw-attributes.js'
import type { ActionWire } from './action-kind.js'
import { tcfT } from './generic.js'

/** Where kinds of action that are not modelled have what the kernel adds to an action. */
interface RawActionPlace {
  /** The attribute that begins with `tc_gen`. */
  readonly parms: number
  /** The times, `struct tcf_t`. */
  readonly tm: number
  /** Further attributes that only report. */
  readonly reported?: readonly number[]
}

const parmsFirst: RawActionPlace = { parms: 1, tm: 2 }
const timesFirst: RawActionPlace = { parms: 2, tm: 1 }

/** By kind: TCA_*_PARMS and TCA_*_TM of linux/tc_act/tc_*.h. */
const places: ReadonlyMap<string, RawActionPlace> = new Map<string, RawActionPlace>([
  ['bpf', { ...timesFirst, reported: [8, 9] }], // TCA_ACT_BPF_TAG, TCA_ACT_BPF_ID
  ['connmark', parmsFirst],
  ['csum', parmsFirst],
  ['ct', { ...parmsFirst, reported: [15] }], // TCA_CT_PAD
  ['ctinfo', { parms: 3, tm: 2, reported: [1, 8, 9, 10] }], // TCA_CTINFO_PAD, TCA_CTINFO_STATS_*
  ['gate', timesFirst],
  ['ife', parmsFirst],
  ['mpls', timesFirst],
  ['nat', parmsFirst],
  ['pedit', timesFirst],
  ['police', { parms: 1, tm: 6 }],
  ['sample', timesFirst],
  ['simple', timesFirst],
  ['skbedit', timesFirst],
  ['skbmod', timesFirst],
  ['tunnel_key', timesFirst],
  ['vlan', timesFirst],
])

/** Offsets of `index`, `refcnt` and `bindcnt`: in `tc_gen`, and in struct tc_police of linux/pkt_cls.h. */
const IN_GENERIC = { index: 0, refcnt: 12, bindcnt: 16 }
const IN_POLICE = { index: 0, refcnt: 44, bindcnt: 48 }

const offsetsIn = (kind: string) => (kind === 'police' ? IN_POLICE : IN_GENERIC)

/** A raw action as listed: the options that make it again, and what the kernel has added to them. */
export interface RawActionParts extends ActionWire {
  options: Uint8Array
}

/**
 * Takes apart the TCA_ACT_OPTIONS of a kind that is not modelled. Some kinds refuse to be given what they list (`ct`,
 * `ctinfo`, `mpls`: the times), and all of them share the action that has the listed number. Undefined for a kind that
 * is not known, or for bytes that are no options of it.
 */
export function takeApart(kind: string, bytes: Uint8Array): RawActionParts | undefined {
  const place = places.get(kind)
  if (!place) return undefined
  const { index, refcnt, bindcnt } = offsetsIn(kind)
  const attributes = readAttributes(bytes)
  const parms = attributes?.find(({ type }) => type === place.parms)
  if (!attributes || !parms || parms.bytes.length < bindcnt + 4) return undefined
  const view = viewOf(parms.bytes)
  const read = (at: number): number => view.getUint32(at, littleEndian)
  const found = { index: read(index), refcnt: read(refcnt), bindcnt: read(bindcnt) }
  for (const at of [index, refcnt, bindcnt]) view.setUint32(at, 0, littleEndian)
  const tm = attributes.find(({ type }) => type === place.tm)
  const dropped = [place.tm, ...(place.reported ?? [])]
  const kept = attributes.filter(({ type }) => !dropped.includes(type))
  return {
    options: writeAttributes(kind === 'police' ? withRateTables(kept) : kept),
    parms: found,
    ...(tm && { tm: tcfT.get(viewOf(tm.bytes), 0, tm.bytes.length) }),
  }
}

/** The options with the number of the action in them. Throws TypeError for a kind of which the place is not known. */
export function withIndex(kind: string, options: Uint8Array | undefined, index: number): Uint8Array {
  const attributes = options && readAttributes(options)
  const parms = attributes?.find(({ type }) => type === places.get(kind)?.parms)
  if (!attributes || !parms)
    throw new TypeError(`index: it is not known where the options of a ${kind} action have it`)
  viewOf(parms.bytes).setUint32(offsetsIn(kind).index, index, littleEndian)
  return writeAttributes(attributes)
}

// linux/pkt_cls.h
const TCA_POLICE_TBF = 1
const TCA_POLICE_RATE = 2
const TCA_POLICE_PEAKRATE = 3
/** struct tc_ratespec in struct tc_police, and what is in it. */
const POLICE_RATES = [
  { at: 20, table: TCA_POLICE_RATE },
  { at: 32, table: TCA_POLICE_PEAKRATE },
]
const RATE_IN_SPEC = 8
/** TC_RTAB_SIZE, linux/pkt_sched.h */
const RATE_TABLE_SIZE = 1024
/** log2 of a cell, which has to be there: 256 cells cover a packet of 2047 bytes. */
const CELL_LOG = 3

/**
 * The kernel wants a rate table of a policer, and does not list it. It computes with the rate alone, since the link
 * layer is given (qdisc_get_rtab in net/sched/sch_api.c): any table will do.
 */
function withRateTables(attributes: readonly UnknownAttribute[]): UnknownAttribute[] {
  const tbf = attributes.find(({ type }) => type === TCA_POLICE_TBF)
  if (!tbf) return [...attributes]
  const view = viewOf(tbf.bytes)
  const missing = POLICE_RATES.filter(
    ({ at, table }) =>
      view.getUint32(at + RATE_IN_SPEC, littleEndian) !== 0 && !attributes.some(({ type }) => type === table),
  )
  for (const { at } of missing) view.setUint8(at, CELL_LOG)
  return [
    ...attributes,
    ...missing.map(({ table }) => ({ type: table, bytes: new Uint8Array(RATE_TABLE_SIZE) })),
  ]
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
