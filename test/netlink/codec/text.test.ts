import t from 'tap'
import { bareText, binary, chars, flag, text } from '../../../src/netlink/codec/index.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { bytes } from '../../helpers/netlink-bytes.js'

const utf8 = (value: string): Uint8Array => Buffer.from(value)

t.test('text ends with a NUL, and needs none', async t => {
  t.same(encoded(text, 'eth0'), utf8('eth0\0'))
  t.equal(decoded(text, utf8('eth0\0')), 'eth0')
  t.equal(decoded(text, utf8('eth0')), 'eth0')
  t.equal(decoded(text, utf8('eth0\0\0\0junk')), 'eth0')
  t.equal(decoded(text, utf8('')), '')
  t.same(encoded(text, ''), utf8('\0'))
})

t.test('bare text has none', async t => {
  t.same(encoded(bareText, 'web-1'), utf8('web-1'))
  t.equal(decoded(bareText, utf8('web-1\0')), 'web-1')
})

t.test('text in an array of chars', async t => {
  t.same(encoded(chars(6), 'ab'), utf8('ab\0\0\0\0'))
  t.same(encoded(chars(6), 'fünf'), utf8('fünf\0'))
  t.equal(decoded(chars(4), utf8('abcd')), 'abcd', 'one that is full up')
  t.throws(() => encoded(chars(6), 'abcdef'), {
    name: 'RangeError',
    message: "'abcdef' is longer than 5 bytes",
  })
  t.throws(() => encoded(chars(6), 'füünf'), { name: 'RangeError' })
})

t.test('any Unicode comes back', async t => {
  for (const value of ['ä', '😀', '\ufeffwith a byte order mark', 'x'.repeat(3000)]) {
    for (const codec of [text, bareText, chars(4096)]) t.equal(decoded(codec, encoded(codec, value)), value)
  }
  t.equal(decoded(text, bytes('61 ff 62')), 'a\ufffdb', 'what is none does not throw')
})

t.test('a NUL inside is refused: the kernel would stop there', async t => {
  for (const codec of [text, bareText, chars(16)]) {
    t.throws(() => encoded(codec, 'eth0\0x'), { name: 'TypeError', message: "'eth0\\0x' contains a NUL" })
  }
})

t.test('bytes', async t => {
  const wire = bytes('00 ff 01')
  const value = decoded(binary, wire)
  t.same(value, wire)
  t.equal(value.buffer.byteLength, 3, 'a copy of its own')
  t.same(encoded(binary, wire), wire)
  for (const wrong of ['text', [1, 2], { length: 3 }, undefined]) {
    t.throws(() => encoded(binary, wrong as never), { name: 'TypeError', message: /^expected bytes/ })
  }
})

t.test('a flag', async t => {
  t.same(encoded(flag, true), bytes(''))
  t.equal(decoded(flag, bytes('')), true)
  t.equal(decoded(flag, bytes('00')), true)
  t.throws(() => encoded(flag, false as never), { message: 'a flag is true or left out, not false' })
})
