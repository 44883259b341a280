import { list } from './arrays.js'
import { copyOf, zeroFilled, type Codec, type FixedCodec } from './codec.js'
import { once } from '../../input/generate.js'
import { structAccess, type Field } from './struct-access.js'
import { noteUncarried } from './uncarried.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every codec is assignable to
type Members = Record<string, FixedCodec<any, any>>

type Out<M extends Members> = {
  -readonly [K in keyof M as M[K] extends FixedCodec<undefined> ? never : K]: M[K] extends FixedCodec<
    infer T,
    never
  >
    ? T
    : never
}
type In<M extends Members> = {
  readonly [K in keyof M as M[K] extends FixedCodec<undefined> ? never : K]?: M[K] extends {
    write(view: DataView, at: number, value: infer T): void
  }
    ? T | undefined
    : never
}

/** A C struct. `offsets` are C's, so that a test can compare them with `offsetof`. */
export interface Struct<O, I> extends FixedCodec<O, I> {
  readonly offsets: Readonly<Record<string, number>>
}

/**
 * Bytes that a newer kernel appended to a struct. A decoded message that is encoded again has them; the typed form of an
 * object does not, and names the attribute in `uncarried` unless it only reports: see `reported`.
 */
export interface Surplus {
  surplus?: Uint8Array
}

/**
 * Declares a C struct: its members in order, laid out with C's alignment. Members that are left out of a value are zero;
 * a short struct reads as if followed by zeros; what follows the last member is kept in `surplus`.
 */
export function struct<M extends Members>(members: M): Struct<Out<M> & Surplus, In<M> & Surplus> {
  const { fields, offsets, size, alignment } = layOut(members)
  const codec: Struct<Out<M> & Surplus, In<M> & Surplus> = {
    size,
    alignment,
    offsets,
    parts: Object.values(members),
    read: (view, at) => access().read(view, at),
    write(view, at, value) {
      access().write(view, at, value)
    },
    put(writer, value) {
      const at = writer.reserve(size)
      codec.write(writer.view, at, value)
      if (value.surplus) writer.append(value.surplus)
    },
    get(view, at, end) {
      if (end - at < size) return codec.read(zeroFilled(view, at, end, size), 0)
      const value = codec.read(view, at)
      if (end - at > size) {
        noteUncarried(at)
        value.surplus = copyOf(view, at + size, end)
      }
      return value
    },
  }
  // Most programs use a few of all structs: what reads and writes is made at the first use, and put in its place.
  const access = once(() => Object.assign(codec, structAccess<Out<M> & Surplus, In<M>>(fields)))
  return codec
}

/** Offsets, size and alignment as C has them. Reserved bytes take room, and are no field. */
function layOut(members: Members): {
  fields: Field[]
  offsets: Record<string, number>
  size: number
  alignment: number
} {
  const fields: Field[] = []
  const offsets: Record<string, number> = {}
  let at = 0
  let alignment = 1
  for (const [name, codec] of Object.entries(members)) {
    const offset = roundUp(at, codec.alignment)
    at = offset + codec.size
    alignment = Math.max(alignment, codec.alignment)
    offsets[name] = offset
    if (!codec.reserved) fields.push({ name, offset, codec })
  }
  return { fields, offsets, size: roundUp(at, alignment), alignment }
}

const roundUp = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment

/** A struct followed by a C array of open length, for example `struct tc_u32_sel` and its keys. */
export function structWithTail<O extends Surplus, I extends Surplus, N extends string, EO, EI>(
  head: Struct<O, I>,
  name: N,
  element: FixedCodec<EO, EI>,
): Codec<
  Omit<O, 'surplus'> & Record<N, EO[]>,
  Omit<I, 'surplus'> & Readonly<Partial<Record<N, readonly EI[]>>>
> & { readonly head: Struct<O, I> } {
  const tail = list(element)
  return {
    head,
    parts: [head, element],
    put(writer, value) {
      const at = writer.reserve(head.size)
      head.write(writer.view, at, value as unknown as I)
      tail.put(writer, (value as Record<string, readonly EI[] | undefined>)[name] ?? [])
    },
    get(view, at, end) {
      const split = Math.min(at + head.size, end)
      return Object.assign(head.get(view, at, split), { [name]: tail.get(view, split, end) }) as Omit<
        O,
        'surplus'
      > &
        Record<N, EO[]>
    },
  }
}
