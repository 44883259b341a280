import t from 'tap'
import { SlotAllocator } from '../../../src/isolator/container/slot-allocator.js'

t.test('the lowest free slot, from 1', async t => {
  const slots = new SlotAllocator()
  t.strictSame([slots.allocate(), slots.allocate(), slots.allocate()], [1, 2, 3])
  slots.release(2)
  slots.release(1)
  t.strictSame([slots.allocate(), slots.allocate(), slots.allocate()], [1, 2, 4])
  slots.allocateExact(6)
  t.strictSame([slots.allocate(), slots.allocate()], [5, 7])
})

t.test('4,095 slots and no more', async t => {
  const slots = new SlotAllocator()
  t.strictSame(
    Array.from({ length: 4095 }, () => slots.allocate()),
    Array.from({ length: 4095 }, (_, i) => i + 1),
  )
  t.equal(slots.free, 0)
  t.throws(() => slots.allocate(), {
    name: 'IsolatorError',
    code: 'ERR_PORTS_EXHAUSTED',
    message: /4095 slots/,
  })
  slots.release(4095)
  slots.release(4095)
  t.equal(slots.free, 1, 'releasing twice is harmless')
  t.equal(slots.allocate(), 4095)
})

t.test('slots that cannot be taken', async t => {
  const slots = new SlotAllocator()
  slots.allocateExact(1)
  for (const slot of [1, 0, -1, 4096, 1.5, NaN]) {
    t.throws(() => slots.allocateExact(slot), { name: 'RangeError', message: `Slot ${slot} ` })
  }
  t.equal(slots.free, 4094)
})
