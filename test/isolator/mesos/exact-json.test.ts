import * as fc from 'fast-check'
import t from 'tap'
import { exactJson } from '../../../src/isolator/mesos/exact-json.js'

t.test('bigints are numbers with all their digits', async t => {
  t.equal(
    exactJson({ a: [2n ** 64n - 1n, 1.5, -(2n ** 63n)] }),
    '{"a":[18446744073709551615,1.5,-9223372036854775808]}',
  )
})

t.test('everything else is as JSON.stringify has it', async t => {
  const samples = [
    {
      text: 'a "quote"\n',
      nothing: undefined,
      call: () => 1,
      nil: null,
      nan: NaN,
      nested: [{}, [], undefined],
    },
    new Date(0),
    { date: new Date(0) },
    undefined,
    'ä\u2028',
  ]
  for (const value of samples) t.equal(exactJson(value), JSON.stringify(value) ?? 'null')
  fc.assert(
    fc.property(fc.jsonValue(), value => exactJson(value) === JSON.stringify(value)),
    { numRuns: 500 },
  )
})
