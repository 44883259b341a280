import t from 'tap'
import { widgetAttributes } from '../../helpers/sample-protocol.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { attribute, bytes, u16, u32 } from '../../helpers/netlink-bytes.js'

const kind = (name: string): Buffer => attribute(1, Buffer.from(`${name}\0`))

t.test('the kind that came before decides', async t => {
  const wire = bytes(kind('gear'), attribute(2, attribute(1, u32(12))))
  t.same(decoded(widgetAttributes, wire), { kind: 'gear', options: { teeth: 12 } })
  t.same(encoded(widgetAttributes, { kind: 'gear', options: { teeth: 12 } }), wire)
  t.same(decoded(widgetAttributes, bytes(kind('lever'), attribute(2, u16(1), u16(2)))), {
    kind: 'lever',
    options: [1, 2],
  })
})

t.test('other kinds keep their bytes', async t => {
  for (const name of ['wheel', 'toString', '__proto__', 'constructor', '']) {
    const wire = bytes(kind(name), attribute(2, 'cafe 00'))
    const value = decoded(widgetAttributes, wire)
    t.same(value, { kind: name, options: bytes('cafe00') })
    t.same(encoded(widgetAttributes, value), wire)
  }
})

t.test('options before or without a kind keep their bytes', async t => {
  const options = attribute(2, attribute(1, u32(12)))
  const wire = bytes(options, kind('gear'))
  const value = decoded(widgetAttributes, wire)
  t.same(value, { options: attribute(1, u32(12)), kind: 'gear' })
  t.same(encoded(widgetAttributes, value), wire)
  t.same(decoded(widgetAttributes, options), { options: attribute(1, u32(12)) })
})

t.test('bytes are taken for any kind, and nothing else for a kind that is not modelled', async t => {
  const options = bytes('01 02 03 04')
  t.same(encoded(widgetAttributes, { kind: 'gear', options }), bytes(kind('gear'), attribute(2, options)))
  t.throws(() => encoded(widgetAttributes, { kind: 'wheel', options: { teeth: 1 } }), {
    name: 'TypeError',
    message: /^WIDGET_OPTIONS: expected bytes/,
  })
})
