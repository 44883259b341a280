import { littleEndian } from '../../netlink/codec/byte-order.js'
import { readAttributes, writeAttributes } from '../raw-attributes.js'
import { codelTime, pieTime } from '../rounded-times.js'

/** Kinds that need a table which the kernel does not list: TCA_RED_STAB, TCA_CHOKE_STAB, TCA_GRED_STAB are all 2. */
const PARMS = 1
const TABLE = 2
const UNLISTED_TABLES: ReadonlyMap<string, string> = new Map([
  ['red', 'TCA_RED_STAB'],
  ['choke', 'TCA_CHOKE_STAB'],
  ['gred', 'TCA_GRED_STAB'],
])

interface RoundedTimes {
  /** The kernel's names of attributes, with their numbers. */
  readonly attributes: readonly (readonly [name: string, type: number])[]
  readonly given: (microseconds: number) => number
}

/** Attributes that are times in microseconds, which the kernel rounds down (linux/pkt_sched.h). */
const ROUNDED_TIMES: ReadonlyMap<string, RoundedTimes> = new Map<string, RoundedTimes>([
  [
    'codel',
    {
      attributes: [
        ['TCA_CODEL_TARGET', 1],
        ['TCA_CODEL_INTERVAL', 3],
        ['TCA_CODEL_CE_THRESHOLD', 5],
      ],
      given: codelTime,
    },
  ],
  ['pie', { attributes: [['TCA_PIE_TARGET', 1]], given: pieTime }],
  ['fq_pie', { attributes: [['TCA_FQ_PIE_TARGET', 3]], given: pieTime }],
])

interface RawQdiscFields {
  readonly kind: string
  readonly options?: Uint8Array | undefined
  /** Of a listed one. */
  readonly references?: number
}

/**
 * The options of a kind that is not modelled. Those that were listed are given such that the kernel lists the same
 * again. Throws TypeError where the kernel needs more than it lists.
 */
export function rawQdiscOptions({ kind, options, references = 0 }: RawQdiscFields): Uint8Array | undefined {
  if (options === undefined) return undefined
  refuseWithoutTable(kind, options)
  if (references === 0) return options
  return kind === 'sfq' ? sfqOptions(options) : withGivenTimes(kind, options)
}

function refuseWithoutTable(kind: string, options: Uint8Array): void {
  const table = UNLISTED_TABLES.get(kind)
  if (table === undefined) return
  const types = new Set(readAttributes(options)?.map(({ type }) => type))
  if (!types.has(PARMS) || types.has(TABLE)) return
  throw new TypeError(
    `options: ${kind} needs ${table}, which the kernel does not list: compute it from bandwidth and packet size, as tc does`,
  )
}

function withGivenTimes(kind: string, options: Uint8Array): Uint8Array {
  const rounded = ROUNDED_TIMES.get(kind)
  const attributes = rounded && readAttributes(options)
  if (!attributes) return options
  for (const { type, bytes } of attributes) {
    if (bytes.length < 4 || !rounded.attributes.some(([, number]) => number === type)) continue
    const view = viewOf(bytes)
    view.setUint32(0, rounded.given(view.getUint32(0, littleEndian)), littleEndian)
  }
  return writeAttributes(attributes)
}

/** Offsets in struct tc_sfq_qopt, linux/pkt_sched.h. */
const SFQ_LIMIT = 8
const SFQ_FLOWS = 16
/** SFQ_MAX_DEPTH of net/sched/sch_sfq.c, which is the limit where none is given. */
const SFQ_DEFAULT_LIMIT = 127

/** A limit that is given bounds the flows, the default one does not: where there are more flows, none was given. */
function sfqOptions(options: Uint8Array): Uint8Array {
  if (options.length < SFQ_FLOWS + 4) return options
  const given = options.slice()
  const view = viewOf(given)
  const limit = view.getUint32(SFQ_LIMIT, littleEndian)
  if (limit === SFQ_DEFAULT_LIMIT && view.getUint32(SFQ_FLOWS, littleEndian) > limit)
    view.setUint32(SFQ_LIMIT, 0, littleEndian)
  return given
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
