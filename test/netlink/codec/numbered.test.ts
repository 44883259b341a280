import t from 'tap'
import { nested, numbered, u32 } from '../../../src/netlink/codec/index.js'
import { partAttributes } from '../../helpers/sample-protocol.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { attribute, bytes, u16, u32 as hostU32 } from '../../helpers/netlink-bytes.js'

const parts = numbered('part', partAttributes)

t.test('numbers count from 1, or from where they are told to', async t => {
  t.same(
    encoded(parts, [{ weight: 7 }, { weight: 8 }]),
    bytes(attribute(1, attribute(2, hostU32(7))), attribute(2, attribute(2, hostU32(8)))),
  )
  t.same(encoded(numbered('part', u32, 0), [5]), attribute(0, hostU32(5)))
  t.same(encoded(numbered('part', nested(partAttributes)), [{}]), attribute(0x8001), 'marked as nested')
  t.same(encoded(parts, []), bytes(''))
})

t.test('a list in the order of arrival, whatever the numbers', async t => {
  const wire = bytes(attribute(3, attribute(2, hostU32(7))), attribute(0x8000 | 1, attribute(2, hostU32(8))))
  t.same(decoded(parts, wire), [{ weight: 7 }, { weight: 8 }])
  t.same(decoded(parts, bytes('')), [])
})

t.test('errors name the element', async t => {
  const cut = bytes(u16(8), u16(2), '00')
  t.throws(() => decoded(parts, bytes(attribute(1), attribute(2, cut))), {
    code: 'ERR_NETLINK_DECODE',
    path: 'part[1].PART_WEIGHT',
  })
  t.throws(() => decoded(parts, bytes(attribute(1), u16(0), u16(2))), {
    code: 'ERR_NETLINK_DECODE',
    path: 'part[1]',
  })
  t.throws(() => decoded(parts, bytes(u16(40), u16(1))), { code: 'ERR_NETLINK_DECODE', path: 'part[0]' })
})
