import type { AnyCodec, Codec } from './codec.js'

/** Positions of what the decoding under way has met, while somebody wants to know. */
let noted: number[] | undefined

/** Notes that the attribute whose content begins at `at` is decoded and has no place in the typed form of its object. */
export function noteUncarried(at: number): void {
  noted?.push(at)
}

/** Decodes with `decode`; `at` has the positions that were noted meanwhile. */
export function notingUncarried<T>(decode: () => T): { value: T; at: readonly number[] } {
  const outer = noted
  const at: number[] = []
  noted = at
  try {
    return { value: decode(), at }
  } finally {
    noted = outer
  }
}

/**
 * Marks an attribute that says how an object is, and that the typed form of the object does not carry. An object that
 * was listed with such an attribute, or with one that is not declared at all, has the name of it in `uncarried`, and is
 * refused where it would be made again without it. What only reports (statistics, states) needs no mark. With `matters`
 * only the values for which it holds are named.
 */
export const uncarried = <Out, In>(
  codec: Codec<Out, In>,
  matters: (value: Out) => boolean = () => true,
): Codec<Out, In> => ({
  parts: [codec as AnyCodec],
  ...(codec.members && { members: codec.members }),
  ...(codec.nested && { nested: true }),
  put: (writer, value, siblings) => {
    codec.put(writer, value, siblings)
  },
  get(view, at, end, siblings) {
    const value = codec.get(view, at, end, siblings)
    if (matters(value)) noteUncarried(at)
    return value
  },
  locate: (view, at, end, offset, siblings) => codec.locate?.(view, at, end, offset, siblings) ?? [],
})

/**
 * Marks an attribute that only reports, such as statistics, or that follows from others: an object is the same without
 * it, and nothing that a newer kernel adds inside it is noted.
 */
export const reported = <C extends AnyCodec>(codec: C): C => ({
  ...codec,
  reports: true,
  get(view, at, end, siblings) {
    const outer = noted
    noted = undefined
    try {
      return codec.get(view, at, end, siblings) as unknown
    } finally {
      noted = outer
    }
  },
})
