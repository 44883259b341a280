import t from 'tap'
import {
  formatHandle,
  formatParent,
  parentWords,
  parseClassid,
  parseHandle,
  parseParent,
  parseQdiscHandle,
} from '../../src/tc/handle.js'

t.test('a handle is major:minor in hex, or the number', async t => {
  for (const [text, number] of [
    ['1:', 0x10000],
    ['1:10', 0x10010],
    ['ffff:', 0xffff0000],
    ['ffff:fff2', 0xfffffff2],
    ['8001:', 0x80010000],
    ['0:', 0],
    ['0:1', 1],
  ] as const) {
    t.equal(parseHandle(text), number, text)
    t.equal(formatHandle(number), text, text)
    t.equal(parseHandle(number), number)
  }
  t.equal(parseHandle(':1'), 1, 'an empty field is 0')
  t.equal(parseHandle('AbCd:'), 0xabcd0000)
})

t.test('what is no handle is refused by name', async t => {
  for (const text of ['', '1', '1:2:3', '10000:', '1:10000', 'g:', '1: ', '-1:', 'root'])
    t.throws(() => parseHandle(text), {
      name: 'TypeError',
      message: `'${text}' is not a handle: expected major:minor in hex, such as '1:10'`,
    })
  for (const number of [-1, 1.5, 2 ** 32, NaN]) t.throws(() => parseHandle(number), RangeError, `${number}`)
  t.throws(() => parseQdiscHandle('1:10'), {
    name: 'RangeError',
    message: /1:10 is not the handle of a qdisc/,
  })
  t.throws(() => parseClassid('0:'), RangeError)
  t.throws(() => parseClassid('ffff:ffff'), RangeError)
})

t.test('parents', async t => {
  for (const [parent, number] of [
    ['root', 0xffffffff],
    ['ingress', 0xfffffff2],
    ['egress', 0xfffffff3],
    ['1:', 0x10000],
    ['1:10', 0x10010],
    ['ffff:', 0xffff0000],
  ] as const) {
    t.equal(parseParent(parent), number, parent)
    t.equal(formatParent(number), parent)
  }
  t.same(parentWords('ingress'), ['ingress'])
  t.same(parentWords('ffff:fff2'), ['ingress'])
  t.same(parentWords('1:10'), ['parent', '1:10'])
})

t.test('a parent of 0 would be the root qdisc of any kind, so it is refused', async t => {
  for (const parent of ['0:', ':0', 0, undefined as never])
    t.throws(() => parseParent(parent), {
      name: 'TypeError',
      message: /^parent is .*: expected 'root', 'ingress'/,
    })
})
