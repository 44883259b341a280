import t from 'tap'
import { parsePrefix } from '../../src/rtnetlink/index.js'

t.test('prefixes', async t => {
  t.strictSame(parsePrefix('x', '10.9.0.2/24'), { family: 'inet', address: '10.9.0.2', length: 24 })
  t.strictSame(parsePrefix('x', '10.9.0.2'), { family: 'inet', address: '10.9.0.2', length: 32 })
  t.strictSame(parsePrefix('x', '0.0.0.0/0'), { family: 'inet', address: '0.0.0.0', length: 0 })
  t.strictSame(parsePrefix('x', 'fd00::/8'), { family: 'inet6', address: 'fd00::', length: 8 })
  t.strictSame(parsePrefix('x', '::'), { family: 'inet6', address: '::', length: 128 })
})

for (const wrong of [
  '',
  '/',
  '/24',
  '10.9.0.2/',
  '10.9.0.2/33',
  '10.9.0.2/-1',
  '10.9.0.2/1e1',
  '::/129',
  'fe80::1%2',
  'x/8',
]) {
  t.test(`'${wrong}' is none`, async t => {
    t.throws(() => parsePrefix('to', wrong), {
      name: 'TypeError',
      message: `to: '${wrong}' is not an IP address or prefix like 10.9.0.0/24`,
    })
  })
}

t.test('the family that is asked for', async t => {
  t.throws(() => parsePrefix('to', '10.9.0.2', 'inet6'), {
    message: `to: '10.9.0.2' is not of the family inet6`,
  })
})
