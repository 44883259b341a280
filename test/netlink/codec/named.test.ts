import t from 'tap'
import { u16, u8 } from '../../../src/netlink/codec/index.js'
import { named, namedNumbers } from '../../../src/netlink/codec/named.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { bytes, u16 as u16Bytes } from '../../helpers/netlink-bytes.js'

const colours = namedNumbers('colour', { red: 1, green: 2 })

t.test('numbers that have a name', async t => {
  t.same(encoded(named(u8, colours), 'green'), bytes('02'))
  t.equal(decoded(named(u8, colours), bytes('01')), 'red')
  t.same(encoded(named(u16, colours), 'red'), u16Bytes(1), 'in the size of the codec')
})

t.test('numbers that have none pass', async t => {
  t.same(encoded(named(u8, colours), 7), bytes('07'))
  t.equal(decoded(named(u8, colours), bytes('07')), 7)
})

t.test('a number by its name and by itself are the same bytes', async t => {
  t.same(encoded(named(u8, colours), 2), encoded(named(u8, colours), 'green'))
})

t.test('unknown names are refused', async t => {
  for (const wrong of ['blue', 'toString', '']) {
    t.throws(() => encoded(named(u8, colours), wrong as 'red'), {
      name: 'TypeError',
      message: `'${wrong}' is no colour: expected a number or one of red, green`,
    })
  }
  t.throws(() => encoded(named(u8, colours), 256), RangeError, 'and numbers that do not fit')
})
