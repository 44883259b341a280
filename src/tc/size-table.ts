import { object, oneOf, optional, whole, type Declaration, type InputOf } from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { s32, u32, type Infer, type InferInput } from '../netlink/codec/index.js'
import type { stabAttributes, tcSizespec } from './tca.js'
import { optionWords } from './options-kind.js'

const sizeTable = object({
  /** Bytes added to each packet; may be negative. Default 0. */
  overhead: optional(carriedBy(s32)),
  /** Bytes that each packet counts at least. Default 0. */
  mpu: optional(carriedBy(u32)),
  /** `'atm'` counts whole cells of 53 bytes. Default: as on Ethernet. */
  linklayer: optional(oneOf('ethernet', 'atm')),
  /** The longest packet in the table. Default 2047, where there has to be a table. */
  mtu: optional(carriedBy(u32)),
  /** Entries of the table. Default 512, where there has to be one. */
  tsize: optional(whole(0, 0x2000)),
})

/** How long packets count, for a qdisc and all below it (`tc-stab(8)`). */
export interface SizeTable extends InputOf<typeof sizeTable> {}
export const sizeTableInput: Declaration<SizeTable> = sizeTable

type Base = Infer<typeof tcSizespec>

const LINKLAYERS = { ethernet: 1, atm: 2 } as const
const MAX_ENTRY = 0xffff

/** TCA_STAB with its table, computed as iproute2 does (tc_calc_size_table in tc/tc_core.c): the kernel lists no table. */
export function sizeTableToWire(table: SizeTable): InferInput<typeof stabAttributes> {
  const { overhead = 0, mpu = 0 } = table
  const linklayer = table.linklayer === undefined ? 0 : LINKLAYERS[table.linklayer]
  if (linklayer !== LINKLAYERS.atm && mpu === 0) return { base: { overhead, linklayer } }
  const [mtu, tsize] = [table.mtu || 2047, table.tsize || 512]
  let cellLog = 0
  while (mtu >>> cellLog > tsize - 1) cellLog++
  const sizes = Array.from({ length: tsize }, (_, i) => {
    const bytes = Math.max((i + 1) * 2 ** cellLog, mpu)
    return linklayer === LINKLAYERS.atm ? Math.ceil(bytes / 48) * 53 : bytes
  })
  let sizeLog = 0
  while (Math.floor((sizes.at(-1) ?? 0) / 2 ** sizeLog) > MAX_ENTRY) sizeLog++
  return {
    base: { cellLog, sizeLog, cellAlign: -1, overhead, linklayer, mpu, mtu, tsize },
    data: sizes.map(size => Math.floor(size / 2 ** sizeLog)),
  }
}

/** The table that a TCA_STAB_BASE describes, as a member. Undefined for one that was not computed as ours are. */
export function sizeTableOf(base: Base): { stab: SizeTable } | undefined {
  const { overhead, mpu, linklayer, mtu, tsize } = base
  if (linklayer > LINKLAYERS.atm || tsize > 0x2000) return undefined
  const table: SizeTable = {
    ...(linklayer !== 0 && { linklayer: linklayer === LINKLAYERS.atm ? 'atm' : 'ethernet' }),
    overhead,
    ...(mpu !== 0 && { mpu }),
    ...(mtu !== 0 && { mtu }),
    ...(tsize !== 0 && { tsize }),
  }
  const computed: InferInput<typeof tcSizespec> = sizeTableToWire(table).base ?? {}
  const same = (Object.keys(base) as (keyof Base)[]).every(name => (computed[name] ?? 0) === base[name])
  return same ? { stab: table } : undefined
}

/** `stab overhead 8 linklayer atm`, which goes before the kind. */
export const sizeTableWords = ({ mtu, tsize, mpu, overhead, linklayer }: SizeTable): string[] => [
  'stab',
  ...optionWords({ mtu, tsize, mpu, overhead, linklayer }),
]
