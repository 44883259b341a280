import { attributeEnd, attributeType, NLA_F_NESTED, unnamed } from './attribute.js'
import type { AnyCodec, FixedCodec, Siblings } from './codec.js'
import { within } from './decode-error.js'
import { encodeError } from './encode-error.js'
import { generate } from '../../input/generate.js'
import { readSource } from './access-source.js'
import { keepUnknown, putUnknown, type UnknownAttribute } from './unknown-attribute.js'
import { align, NLA_HDRLEN, type Writer } from './writer.js'

type Declarations = Readonly<Record<string, readonly [name: string, type: number, codec: AnyCodec]>>
type Values = Record<string, unknown>

/** Puts and gets the values of a set of attributes. */
export interface AttributeAccess<Out = Values> {
  putOne(writer: Writer, key: string, value: unknown, siblings: Siblings): void
  put(writer: Writer, values: Siblings): void
  get(view: DataView, at: number, end: number): Out
}

/** The access functions of a set: generated for it alone, or where that is forbidden, ones that look up each attribute. */
export function attributeAccess<Out>(declarations: Declarations): AttributeAccess<Out> {
  const names = new Map(Object.values(declarations).map(([name, type]) => [type, name]))
  const nameOf = (type: number): string => names.get(type) ?? unnamed(type)
  const access = lookingUp(declarations, nameOf)
  return { ...access, ...generated(declarations, nameOf) } as AttributeAccess<Out>
}

const noAttribute = (key: string, declarations: Declarations): TypeError =>
  new TypeError(`no attribute '${key}' among ${Object.keys(declarations).join(', ')}`)

/**
 * For `{ police: ['TCA_U32_POLICE', 6, binary] }`:
 *
 *     put(writer, values) {
 *       let name = ""
 *       try {
 *         for (const key in values) {
 *           const value = values[key]
 *           if (value === undefined) continue
 *           switch (key) {
 *             case "police": { name = "TCA_U32_POLICE"; const at = writer.beginAttribute(); codec0.put(writer, value, values); writer.endAttribute(at, 6) } break
 *             …
 *
 * and `get` with `case 6: name = "TCA_U32_POLICE"; values["police"] = codec0.get(view, at + 4, stop, values); break`.
 */
function generated(
  declarations: Declarations,
  nameOf: (type: number) => string,
): Pick<AttributeAccess, 'put' | 'get'> | undefined {
  const constants: Values = {
    ...{ declarations, nameOf, noAttribute, encodeError, within, putUnknown, keepUnknown, align },
    ...{ attributeEnd, attributeType },
  }
  const puts: string[] = []
  const gets: string[] = []
  Object.entries(declarations).forEach(([key, [name, type, codec]], i) => {
    const [keyText, nameText] = [JSON.stringify(key), JSON.stringify(name)]
    constants[`codec${i}`] = codec
    puts.push(
      `case ${keyText}: {
        name = ${nameText}
        const at = writer.beginAttribute()
        codec${i}.put(writer, value, values)
        writer.endAttribute(at, ${codec.nested ? type | NLA_F_NESTED : type})
        break
      }`,
    )
    gets.push(
      `case ${type}:
        name = ${nameText}
        values[${keyText}] = ${getSource(codec, `codec${i}`)}
        break`,
    )
  })
  return generate(
    constants,
    `{
      put(writer, values) {
        let name
        try {
          for (const key in values) {
            const value = values[key]
            if (value === undefined) continue
            name = ""
            switch (key) {
              ${puts.join('\n')}
              case "unknown":
                putUnknown(writer, value)
                break
              default:
                throw noAttribute(key, declarations)
            }
          }
        } catch (error) { throw encodeError(name, error) }
      },
      get(view, at, end) {
        const values = {}
        let name
        try {
          while (at + ${NLA_HDRLEN} <= end) {
            name = ""
            const stop = attributeEnd(view, at, end, nameOf)
            switch (attributeType(view, at)) {
              ${gets.join('\n')}
              default:
                keepUnknown(values, view, at, stop)
            }
            at += align(stop - at)
          }
        } catch (error) { throw within(name, error) }
        return values
      },
    }`,
  )
}

/** What is as long as the codec needs no further look; it may be shorter or longer. */
function getSource(codec: AnyCodec, name: string): string {
  const get = `${name}.get(view, at + ${NLA_HDRLEN}, stop, values)`
  if (!isFixed(codec)) return get
  return `stop - at === ${NLA_HDRLEN + codec.size} ? ${readSource(codec, name, `at + ${NLA_HDRLEN}`)} : ${get}`
}

const isFixed = (codec: AnyCodec): codec is FixedCodec<unknown, never> => 'size' in codec

function lookingUp(declarations: Declarations, nameOf: (type: number) => string): AttributeAccess {
  const byKey = new Map(Object.entries(declarations))
  const byType = new Map(
    Object.entries(declarations).map(([key, [name, type, codec]]) => [type, { key, name, codec }]),
  )
  const putOne = (writer: Writer, key: string, value: unknown, siblings: Siblings): void => {
    const attribute = byKey.get(key)
    if (!attribute) throw noAttribute(key, declarations)
    const [name, type, codec] = attribute
    try {
      const at = writer.beginAttribute()
      codec.put(writer, value, siblings)
      writer.endAttribute(at, codec.nested ? type | NLA_F_NESTED : type)
    } catch (error) {
      throw encodeError(name, error)
    }
  }
  return {
    putOne,
    put(writer, values) {
      for (const key in values) {
        const value = values[key]
        if (value === undefined) continue
        if (key === 'unknown') putUnknown(writer, value as UnknownAttribute[])
        else putOne(writer, key, value, values)
      }
    },
    get(view, at, end) {
      const values: Values = {}
      for (let stop; at + NLA_HDRLEN <= end; at += align(stop - at)) {
        stop = attributeEnd(view, at, end, nameOf)
        const attribute = byType.get(attributeType(view, at))
        if (!attribute) {
          keepUnknown(values, view, at, stop)
          continue
        }
        try {
          values[attribute.key] = attribute.codec.get(view, at + NLA_HDRLEN, stop, values) as unknown
        } catch (error) {
          throw within(attribute.name, error)
        }
      }
      return values
    },
  }
}
