import { fixed, type Codec, type FixedCodec } from './codec.js'
import { encodeError } from './encode-error.js'

/** `count` equal members in a row, as a C array. Elements that a value lacks are zero; surplus ones are refused. */
export function array<Out, In>(
  element: FixedCodec<Out, In>,
  count: number,
): FixedCodec<Out[], readonly In[]> {
  const codec = fixed<Out[], readonly In[]>(
    element.size * count,
    element.alignment,
    (view, at) => Array.from({ length: count }, (_, i) => element.read(view, at + i * element.size)),
    (view, at, values) => {
      if (values.length > count) {
        throw new RangeError(`${values.length} elements do not fit an array of ${count}`)
      }
      writeAll(element, view, at, values)
    },
  )
  return { ...codec, parts: [element] }
}

/** As many elements as fill the attribute; a C array of open length. Bytes that make no whole element are dropped. */
export const list = <O, I>(element: FixedCodec<O, I>): Codec<O[], readonly I[]> => ({
  parts: [element],
  put(writer, values) {
    const at = writer.reserve(values.length * element.size)
    writeAll(element, writer.view, at, values)
  },
  get(view, at, end) {
    const values: O[] = []
    for (; at + element.size <= end; at += element.size) values.push(element.read(view, at))
    return values
  },
})

/** Writes values one behind the other. An error says which. */
function writeAll<In>(
  element: FixedCodec<unknown, In>,
  view: DataView,
  at: number,
  values: readonly In[],
): void {
  let i = 0
  try {
    for (const value of values) {
      element.write(view, at, value)
      at += element.size
      i++
    }
  } catch (error) {
    throw encodeError(`[${i}]`, error)
  }
}
