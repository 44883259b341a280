import type { FixedCodec } from './codec.js'
import { encodeError } from './encode-error.js'
import { generate } from '../../input/generate.js'
import { readSource, writeSource } from './access-source.js'

/** A member of a struct, where it lies, and how it is read and written. */
export interface Field {
  readonly name: string
  readonly offset: number
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every codec is assignable to
  readonly codec: FixedCodec<any, any>
}

/** Reads all fields of a struct, and writes those that a value has to bytes that are zero. */
export interface StructAccess<Out, In> {
  read(view: DataView, at: number): Out
  write(view: DataView, at: number, value: In): void
}

type Values = Record<string, unknown>

/** The access functions of a struct: generated for it alone, or where that is forbidden, ones that walk its fields. */
export function structAccess<Out, In>(fields: readonly Field[]): StructAccess<Out, In> {
  return (generated(fields) ?? walking(fields)) as StructAccess<Out, In>
}

/**
 * For `{ flags: u8, label: chars(8) }`:
 *
 *     read: (view, at) => ({ "flags": view.getUint8(at + 0, false), "label": codec1.read(view, at + 1) }),
 *     write(view, at, value) {
 *       let name, member
 *       try {
 *         if ((member = value["label"]) !== undefined) { name = "label"; codec1.write(view, at + 1, member) }
 *         …
 *       } catch (error) { throw encodeError(name, error) }
 *     }
 */
function generated(fields: readonly Field[]): StructAccess<Values, Values> | undefined {
  const constants: Values = { encodeError }
  const reads: string[] = []
  const writes: string[] = []
  fields.forEach(({ name, offset, codec }, i) => {
    const key = JSON.stringify(name)
    const place = [`codec${i}`, `at + ${offset}`] as const
    constants[`codec${i}`] = codec
    reads.push(`${key}: ${readSource(codec, ...place)}`)
    writes.push(
      `if ((member = value[${key}]) !== undefined) { name = ${key}; ${writeSource(codec, ...place, 'member')} }`,
    )
  })
  return generate(
    constants,
    `{
      read: (view, at) => ({ ${reads.join(', ')} }),
      write(view, at, value) {
        let name, member
        try {
          ${writes.join('\n')}
        } catch (error) { throw encodeError(name, error) }
      },
    }`,
  )
}

const walking = (fields: readonly Field[]): StructAccess<Values, Values> => ({
  read(view, at) {
    const value: Values = {}
    for (const { name, offset, codec } of fields) value[name] = codec.read(view, at + offset) as unknown
    return value
  },
  write(view, at, value) {
    for (const { name, offset, codec } of fields) {
      if (value[name] === undefined) continue
      try {
        codec.write(view, at + offset, value[name])
      } catch (error) {
        throw encodeError(name, error)
      }
    }
  },
})
