import type { AnyDeclaration } from '../../input/index.js'
import type { Writer } from './writer.js'

/** What a codec may look at besides its own bytes: the attributes decoded or encoded so far in the same set. */
export type Siblings = Readonly<Record<string, unknown>>

/**
 * One declaration that encodes and decodes a value. `Out` is what `get` gives; `In` is what `put` takes, usually
 * `Out` with every member optional (an absent member is zero or left out).
 */
export interface Codec<Out, In = Out> {
  /** Appends the value. Throws TypeError or RangeError for what cannot be encoded. */
  put(writer: Writer, value: In, siblings?: Siblings): void
  /** Reads the value from `[at, end)`. Never reads beyond `end`, never returns a view of the buffer. */
  get(view: DataView, at: number, end: number, siblings?: Siblings): Out
  /** The attributes that lie around `offset`, outermost first; used to explain the kernel's ext ack. */
  locate?(view: DataView, at: number, end: number, offset: number, siblings?: Siblings): Place[]
  /** The names of the attributes inside, where there are any: used to name one that the kernel misses. */
  readonly members?: AttributeNames
  /** Set on codecs that put several attributes, and so are marked NLA_F_NESTED where declared so. */
  readonly nested?: boolean
  /** The codecs that this one is made of: from a message, tests reach every declaration by them. */
  readonly parts?: readonly AnyCodec[]
  /** Set on what only reports: the typed form of an object may lack it. See `reported`. */
  readonly reports?: boolean
  /** The values that are encoded, declared as input: what a caller may hand in for this. See `carriedBy`. */
  readonly input?: AnyDeclaration
  /** Which of them a value is made with, where that depends on what stands beside it. */
  partFor?(siblings: Siblings): AnyCodec
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every codec is assignable to
export type AnyCodec = Codec<any, any>

/** Names an attribute by its number. */
export interface AttributeNames {
  nameOf(type: number, siblings?: Siblings): string | undefined
}

/** An attribute of a message: its name, and the names of those inside it. */
export interface Place {
  readonly name: string
  readonly inside?: AttributeNames | undefined
}

/** A codec of constant size, which can be a struct member. */
export interface FixedCodec<Out, In = Out> extends Codec<Out, In> {
  /** sizeof, in bytes. */
  readonly size: number
  /** _Alignof, in bytes. */
  readonly alignment: number
  /** Set on bytes that carry nothing. */
  readonly reserved?: boolean
  /** Set on numbers that DataView reads and writes, so that generated functions do it on the spot. */
  readonly scalar?: Scalar
  /** Writes the value to bytes that are zero. */
  write(view: DataView, at: number, value: In): void
  read(view: DataView, at: number): Out
}

/** The methods of DataView for a number, and its range. */
export interface Scalar {
  readonly get: `get${string}`
  readonly set: `set${string}`
  readonly min: number
  readonly max: number
  readonly littleEndian: boolean
}

/** The decoded type of a codec. */
export type Infer<C> = C extends Codec<infer Out, never> ? Out : never

/** The type a codec encodes. */
export type InferInput<C> = C extends { put(writer: Writer, value: infer In, ...rest: never[]): void }
  ? In
  : never

/** Completes a FixedCodec from its size, alignment and access functions. Short input is read as if followed by zeros. */
export function fixed<Out, In = Out>(
  size: number,
  alignment: number,
  read: (view: DataView, at: number) => Out,
  write: (view: DataView, at: number, value: In) => void,
): FixedCodec<Out, In> {
  return {
    size,
    alignment,
    read,
    write,
    put(writer, value) {
      const at = writer.reserve(size)
      write(writer.view, at, value)
    },
    get: (view, at, end) => (end - at >= size ? read(view, at) : read(zeroFilled(view, at, end, size), 0)),
  }
}

/** The bytes `[at, end)`, followed by zeros up to `size`. */
export function zeroFilled(view: DataView, at: number, end: number, size: number): DataView {
  const bytes = new Uint8Array(size)
  bytes.set(copyOf(view, at, end))
  return new DataView(bytes.buffer)
}

/** A copy of the bytes `[at, end)` that does not keep the receive buffer alive. */
export function copyOf(view: DataView, at: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, end - at).slice()
}
