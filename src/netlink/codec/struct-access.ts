import type { FixedCodec } from './codec.js'
import { encodeError } from './encode-error.js'
import { generate } from './generate.js'

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
 * For `{ flags: u8, off: u16 }`:
 *
 *     read: (view, at) => ({ "flags": codec0.read(view, at + 0), "off": codec1.read(view, at + 2) })
 *     write(view, at, value) {
 *       let name, member
 *       try {
 *         if ((member = value["flags"]) !== undefined) { name = "flags"; codec0.write(view, at + 0, member) }
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
    constants[`codec${i}`] = codec
    reads.push(`${key}: codec${i}.read(view, at + ${offset})`)
    writes.push(
      `if ((member = value[${key}]) !== undefined) { name = ${key}; codec${i}.write(view, at + ${offset}, member) }`,
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
