import { bytes, exactly, textThat } from '../../input/index.js'
import { copyOf, fixed, type Codec, type FixedCodec } from './codec.js'
import type { Writer } from './writer.js'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
const MAX_ASCII = 0x7f

/** The kernel would take what stands before a NUL for the whole. */
const textWithoutNul = textThat('text without a NUL', text => !text.includes('\0'))

/** Bytes as they are, NLA_BINARY. */
export const binary: Codec<Uint8Array> = {
  put: (writer, value) => {
    if (!(value instanceof Uint8Array))
      throw new TypeError(`expected bytes, a Uint8Array, not ${typeof value}`)
    writer.append(value)
  },
  get: copyOf,
  input: bytes,
}

/** An attribute whose presence says it all, NLA_FLAG. Leave it out where it is not so. */
export const flag: Codec<true> = {
  put(_writer, value: unknown) {
    if (value !== true) throw new TypeError(`a flag is true or left out, not ${String(value)}`)
  },
  get: () => true,
  input: exactly(true),
}

/** Text with a final NUL, NLA_NUL_STRING. A missing NUL is accepted. */
export const text: Codec<string> = {
  put(writer, value) {
    putText(writer, value)
    writer.reserve(1)
  },
  get: readText,
  input: textWithoutNul,
}

/** Text without a final NUL, NLA_STRING as iproute2 sends a link's alias and kind. */
export const bareText: Codec<string> = { put: putText, get: readText, input: textWithoutNul }

/** Text in a C array of `size` bytes, always with a final NUL. */
export const chars = (size: number): FixedCodec<string> =>
  fixed(
    size,
    1,
    (view, at) => readText(view, at, at + size),
    (view, at, value) => {
      const bytes = encoder.encode(withoutNul(value))
      if (bytes.length >= size) throw new RangeError(`'${value}' is longer than ${size - 1} bytes`)
      new Uint8Array(view.buffer, view.byteOffset + at).set(bytes)
    },
  )

/** The kernel would take what stands before a NUL for the whole. */
function withoutNul(value: string): string {
  if (value.includes('\0')) throw new TypeError(`'${value.replaceAll('\0', '\\0')}' contains a NUL`)
  return value
}

/** Names are short and ASCII: a loop is several times faster than TextEncoder for them. */
function putText(writer: Writer, value: string): void {
  if (typeof value !== 'string') throw new TypeError(`expected text, not ${typeof value}`)
  const { length } = value
  const at = writer.reserve(length)
  const { view } = writer
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0 || code > MAX_ASCII) {
      writer.truncate(at)
      writer.append(encoder.encode(withoutNul(value)))
      return
    }
    view.setUint8(at + i, code)
  }
}

function readText(view: DataView, at: number, end: number): string {
  let stop = at
  let ascii = true
  while (stop < end) {
    const byte = view.getUint8(stop)
    if (byte === 0) break
    if (byte > MAX_ASCII) ascii = false
    stop++
  }
  if (!ascii) return decoder.decode(copyOf(view, at, stop))
  let value = ''
  for (let i = at; i < stop; i++) value += String.fromCharCode(view.getUint8(i))
  return value
}
