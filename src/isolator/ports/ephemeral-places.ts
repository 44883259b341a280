import type { PortRange, PortRanges } from './port-ranges.js'

/** Of a container's ports, at most one in this many is left unused behind them to have every range aligned. */
const ALIGNMENT_WASTE = 8

const PORTS = 0x10000

/**
 * The places where containers' ephemeral ranges of `count` ports can lie within `ports`, in ascending order.
 *
 * Every place begins at a multiple of {@link ephemeralAlignment}. For a power of two that is `count` itself: nothing is
 * wasted, and a range costs one block per 1,024 ports. 1000 ports lie at multiples of 1024 (7 blocks each, 24 ports
 * unused), 600 at multiples of 128 (at most 6 blocks), 10 at multiples of 2 (at most 3). Where ports begin off the
 * multiple, those up to the next one are not used, as in Mesos.
 */
export function ephemeralPlaces(ports: PortRanges, count: number): PortRange[] {
  const alignment = ephemeralAlignment(count)
  const stride = roundUp(count, alignment)
  const places: PortRange[] = []
  for (const [first, last] of ports) {
    const begin = roundUp(first, alignment)
    for (let base = begin; base + count - 1 <= last; base += stride) places.push([base, base + count - 1])
  }
  return places
}

/** The largest power of two at whose multiples ranges of `count` ports waste at most an eighth of them. */
export function ephemeralAlignment(count: number): number {
  let alignment = 1
  for (let wider = 2; wider < PORTS; wider *= 2) {
    if ((roundUp(count, wider) - count) * ALIGNMENT_WASTE <= count) alignment = wider
  }
  return alignment
}

function roundUp(number: number, multiple: number): number {
  return Math.ceil(number / multiple) * multiple
}
