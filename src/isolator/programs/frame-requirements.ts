import {
  anyBitOf,
  atLeast,
  equal,
  unless,
  unlessEqualToX,
  unlessInRanges,
  unlessOneOf,
  when,
  whenOneOf,
  returnInRanges,
  returnInSortedRanges,
  unlessInSortedRanges,
  type Block,
} from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import { MATCH, NO_MATCH, noMatch } from './verdicts.js'

// What a frame must be for an allow-list to go on reading it. All test the value loaded last; "no match" otherwise.

export const mustEqual = (k: number): Block => unless(equal(k), noMatch)
export const mustNotEqual = (k: number): Block => when(equal(k), noMatch)
export const mustEqualX = unlessEqualToX(noMatch)
export const mustBeOneOf = (values: readonly number[]): Block => unlessOneOf(values, noMatch)
export const mustBeNoneOf = (values: readonly number[]): Block =>
  values.length > 0 ? whenOneOf(values, noMatch) : []
export const mustBeAtLeast = (k: number): Block => unless(atLeast(k), noMatch)
export const mustBeBelow = (k: number): Block => when(atLeast(k), noMatch)
export const mustHaveNoneOf = (bits: number): Block => when(anyBitOf(bits), noMatch)
export const mustBeIn = (ports: PortRanges): Block =>
  (isLong(ports) ? unlessInSortedRanges : unlessInRanges)(ports, noMatch)
export const mustNotBeIn = (ports: PortRanges): Block => returnIn(ports, NO_MATCH)
export const matchIfIn = (ports: PortRanges): Block => returnIn(ports, MATCH)

const returnIn = (ports: PortRanges, verdict: number): Block =>
  (isLong(ports) ? returnInSortedRanges : returnInRanges)(ports, verdict)

/** Up to here ranges are tested one after the other. */
const LONGEST_CHAIN = 128

const isLong = (ports: PortRanges): boolean => [...ports].length > LONGEST_CHAIN
