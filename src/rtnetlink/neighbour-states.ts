import { oneOf, type Declaration } from '../input/index.js'

/** NUD_*, linux/neighbour.h, in the words of `ip neighbour`. */
const NUD = {
  none: 0x00,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const

/** What is known of a neighbour: RFC 4861 section 7.3.2, and the kernel's `noarp` and `permanent`, which never change. */
export type NeighbourState = keyof typeof NUD

/** NTF_*, linux/neighbour.h, in the words of `ip neighbour`. */
const NTF = { use: 0x01, proxy: 0x08, extern_learn: 0x10, router: 0x80 } as const

/** NTF_EXT_*, linux/neighbour.h */
const NTF_EXT = { managed: 0x01 } as const

export type NeighbourFlag = keyof typeof NTF | keyof typeof NTF_EXT

/** A state, as a caller gives it. */
export const neighbourStateInput: Declaration<NeighbourState> = oneOf(
  ...(Object.keys(NUD) as NeighbourState[]),
)

export const neighbourStateNumber = (state: NeighbourState): number => NUD[state]

/** The state in `ndm_state`, which holds one. */
export const neighbourStateName = (state: number): NeighbourState =>
  (Object.keys(NUD) as NeighbourState[]).find(name => NUD[name] === state) ?? 'none'

const flags = Object.keys(NTF) as (keyof typeof NTF)[]
const extendedFlags = Object.keys(NTF_EXT) as (keyof typeof NTF_EXT)[]

/** True for NDA_FLAGS_EXT with a bit that has no name here. */
export const hasOtherExtendedFlags = (extended: number): boolean =>
  extendedFlags.reduce((bits, name) => bits & ~NTF_EXT[name], extended) !== 0

/** The flags that are given as true, for `ndm_flags` and NDA_FLAGS_EXT. */
export const neighbourFlagBits = (
  given: Partial<Record<NeighbourFlag, boolean | undefined>>,
): { flags: number; extended: number } => ({
  flags: flags.reduce((bits, name) => (given[name] ? bits | NTF[name] : bits), 0),
  extended: extendedFlags.reduce((bits, name) => (given[name] ? bits | NTF_EXT[name] : bits), 0),
})

/** The names of the flags in `ndm_flags` and NDA_FLAGS_EXT. */
export const neighbourFlagNames = (bits: number, extended: number): NeighbourFlag[] => [
  ...flags.filter(name => (bits & NTF[name]) !== 0),
  ...extendedFlags.filter(name => (extended & NTF_EXT[name]) !== 0),
]
