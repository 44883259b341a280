import { s32, type Codec } from '../netlink/codec/index.js'
import { noteUncarried } from '../netlink/codec/uncarried.js'

/**
 * An array of numbers that is read by the names of its elements, in order. The elements that an older kernel does not have
 * are left out. Those that a newer kernel has beyond the names are not carried: the attribute is noted if one is not 0.
 */
export const sysctlArray = <N extends string>(names: readonly N[]): Codec<Partial<Record<N, number>>> => ({
  put(writer, values) {
    const last = names.findLastIndex(name => values[name] !== undefined)
    for (const name of names.slice(0, last + 1)) s32.put(writer, values[name] ?? 0)
  },
  get(view, begin, end) {
    const values: Partial<Record<N, number>> = {}
    let at = begin
    for (const name of names) {
      if (at + s32.size > end) return values
      values[name] = s32.read(view, at)
      at += s32.size
    }
    for (; at + s32.size <= end; at += s32.size) if (s32.read(view, at) !== 0) noteUncarried(begin)
    return values
  },
})
