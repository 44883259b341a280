import fc from 'fast-check'
import t from 'tap'
import { LowestFree } from '../../../src/isolator/ports/lowest-free.js'

t.test('agrees with a plain set', async t => {
  const capacities = fc.constantFrom(0, 1, 31, 32, 33, 1024, 1025, 4095, 8192)
  const steps = fc.array(fc.tuple(fc.constantFrom('take', 'release', 'lowest'), fc.nat(8200)), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(capacities, steps, fc.boolean(), (capacity, list, full) => {
      const index = new LowestFree(capacity)
      const model = new Set(Array.from({ length: capacity }, (_, i) => i))
      if (full) {
        for (const i of model) index.take(i)
        model.clear()
      }
      for (const [step, i] of list) {
        if (step === 'take') {
          index.take(i)
          model.delete(i)
        } else if (step === 'release') {
          index.release(i)
          if (i < capacity) model.add(i)
        } else {
          const expected = [...model].filter(free => free >= i).sort((a, b) => a - b)[0]
          t.equal(index.lowest(i), expected)
        }
        t.equal(index.free, model.size)
        t.equal(index.has(i), model.has(i))
      }
      t.strictSame(
        [...index],
        [...model].sort((a, b) => a - b),
      )
    }),
  )
})

t.test('what is out of bounds is never free', async t => {
  const index = new LowestFree(40)
  for (const i of [-1, 40, 63, 1000]) {
    index.release(i)
    index.take(i)
    t.notOk(index.has(i))
  }
  t.equal(index.free, 40)
})
