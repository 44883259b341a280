import { s32, type Codec } from '../netlink/codec/index.js'

/**
 * An array of numbers that is read by the names of its elements, in order. What an older kernel does not tell is left
 * out, what a newer one tells has no name here and is passed over.
 */
export const sysctlArray = <N extends string>(names: readonly N[]): Codec<Partial<Record<N, number>>> => ({
  put(writer, values) {
    const last = names.findLastIndex(name => values[name] !== undefined)
    for (const name of names.slice(0, last + 1)) s32.put(writer, values[name] ?? 0)
  },
  get(view, at, end) {
    const values: Partial<Record<N, number>> = {}
    for (const name of names) {
      if (at + s32.size > end) break
      values[name] = s32.read(view, at)
      at += s32.size
    }
    return values
  },
})
