import { endianness } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import {
  anyBitOf,
  atLeast,
  byteAt,
  equal,
  halfAt,
  halfAtX,
  ipHeaderLengthToX,
  mask,
  packetLength,
  ret,
  returnInRanges,
  returnInSortedRanges,
  unless,
  unlessInRanges,
  unlessInSortedRanges,
  unlessOneOf,
  when,
  whenOneOf,
  wordAt,
  type Block,
} from '../../src/tc/classic-bpf/blocks.js'
import { fromBytecode, toBytecode } from '../../src/tc/classic-bpf/bytecode.js'
import { BPF_MAXINSNS, type Instruction } from '../../src/tc/classic-bpf/instruction.js'
import { assemble, checkProgram } from '../../src/tc/classic-bpf/program.js'
import { fromSockFilters, toSockFilters } from '../../src/tc/classic-bpf/sock-filter.js'
import { run } from '../helpers/classic-bpf-interpreter.js'
import { tcpdumpGoldens } from './classic-bpf-goldens.js'

const YES = ret(1)
const NO = ret(2)

/** Runs a block with a 32-bit accumulator; 3 when it falls off its end. */
const verdict = (block: Block, accumulator: number) => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, accumulator)
  return run(assemble(wordAt(0, block), ret(3)), { bytes })
}

t.test('a block runs when its condition holds', async t => {
  for (const [about, body, result] of [
    ['one instruction', YES, 1],
    ['several instructions', packetLength(YES), 1],
    ['hundreds of instructions', [...Array.from({ length: 300 }, () => packetLength()).flat(), ...YES], 1],
    ['none that returns', packetLength(), 3],
  ] as const) {
    t.equal(verdict(when(equal(7), body), 7), result, `${about}: when it holds`)
    t.equal(verdict(when(equal(7), body), 8), 3, `${about}: when it does not`)
  }
  t.equal(verdict(unless(equal(7), NO), 7), 3)
  t.equal(verdict(unless(equal(7), NO), 8), 2)
  t.equal(verdict(unless(equal(7), packetLength(NO)), 7), 3)
})

t.test('conditions are unsigned', async t => {
  t.equal(verdict(when(atLeast(0x8000_0000), YES), 0xffff_ffff), 1)
  t.equal(verdict(when(atLeast(0x8000_0000), YES), 0x7fff_ffff), 3)
  t.equal(verdict(when(equal(-1), YES), 0xffff_ffff), 1, 'a negative constant is its two’s complement')
  t.equal(verdict(when(anyBitOf(0x8000_0001), YES), 0x8000_0000), 1)
  t.equal(verdict(when(anyBitOf(0x8000_0001), YES), 0x7fff_fffe), 3)
})

t.test('lists of values and ranges decide as the lists do', async t => {
  const values = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 })
  const ranges = fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 9 }))
      .map(([a, n]) => [a, a + n] as const),
    { maxLength: 400 },
  )
  const accumulator = fc.integer({ min: 0, max: 50 })
  fc.assert(
    fc.property(values, accumulator, (list, a) => {
      t.equal(verdict(unlessOneOf(list, NO), a), list.includes(a) ? 3 : 2)
      t.equal(verdict(unlessOneOf(list, packetLength(NO)), a), list.includes(a) ? 3 : 2)
      t.equal(verdict(whenOneOf(list, NO), a), list.includes(a) ? 2 : 3)
      t.equal(verdict(whenOneOf(list, packetLength(NO)), a), list.includes(a) ? 2 : 3)
    }),
  )
  fc.assert(
    fc.property(ranges, accumulator, (list, a) => {
      const within = list.some(([first, last]) => a >= first && a <= last)
      t.equal(verdict(unlessInRanges(list, NO), a), within ? 3 : 2)
      t.equal(verdict(unlessInRanges(list, packetLength(NO)), a), within ? 3 : 2)
      t.equal(verdict(returnInRanges(list, 1), a), within ? 1 : 3)
    }),
  )
})

t.test('many ascending ranges decide as the list does', async t => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 })), {
    maxLength: 150,
  })
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 900 }), (steps, a) => {
      let next = 0
      const list = steps.map(([gap, more]) => {
        const first = next + gap
        next = first + more + 1
        return [first, first + more] as const
      })
      const within = list.some(([first, last]) => a >= first && a <= last)
      t.equal(verdict(unlessInSortedRanges(list, NO), a), within ? 3 : 2)
      t.equal(verdict(unlessInSortedRanges(list, packetLength(NO)), a), within ? 3 : 2)
      t.equal(verdict(returnInSortedRanges(list, 1), a), within ? 1 : 3)
    }),
  )
})

t.test('loads read what they name', async t => {
  const bytes = Uint8Array.from([0x46, 1, 2, 3, 4, 5, 6, 7])
  const is = (block: Block, expected: number) =>
    t.equal(run(assemble(block, unless(equal(expected), NO), YES), { bytes }), 1)
  is(wordAt(1), 0x01020304)
  is(halfAt(1), 0x0102)
  is(byteAt(1), 0x01)
  is(packetLength(), 8)
  is(wordAt(0, mask(0xff00_0000)), 0x4600_0000)
  is([...ipHeaderLengthToX(1), ...halfAtX(2)], 0x0607)
  t.equal(run(assemble(ipHeaderLengthToX(0), halfAtX(0), YES), { bytes }), 0, 'beyond the packet')
})

t.test('a conditional jump over more than 255 instructions is refused', async t => {
  const long = Array.from({ length: 256 }, () => packetLength()).flat()
  t.throws(() => unless(equal(1), long), { name: 'RangeError', message: /over 256 instructions.* 255/ })
  t.doesNotThrow(() => unless(equal(1), long.slice(1)))
})

t.test('the checks of bpf_check_classic()', async t => {
  const instruction = (code: number, k = 0, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k })
  const end = instruction(0x06)
  const refuses = (message: RegExp, ...program: Instruction[]) =>
    t.throws(() => checkProgram(program), { name: 'RangeError', message })
  refuses(/has 1 to 4096 instructions .* this one 0/)
  refuses(/this one 4097/, ...Array.from({ length: BPF_MAXINSNS + 1 }, () => end))
  refuses(/instruction 0 of 2 has the unknown code 0x9/, instruction(0x09), end)
  refuses(/instruction 0 of 1 has the unknown code 0xe/, instruction(0x0e)) // BPF_RET | BPF_X
  refuses(/instruction 0 of 2 jumps over 1 instructions, but only 1 follow/, instruction(0x05, 1), end)
  refuses(/jumps over 1 instructions/, instruction(0x15, 0, 1, 0), end)
  refuses(/jumps over 1 instructions/, instruction(0x15, 0, 0, 1), end)
  refuses(/is the last one and does not return/, instruction(0x20))
  refuses(/divides by 0/, instruction(0x34, 0), end)
  refuses(/divides by 0/, instruction(0x94, 0), end)
  refuses(/shifts a 32-bit word by 32/, instruction(0x64, 32), end)
  refuses(/shifts a 32-bit word by 33/, instruction(0x74, 33), end)
  for (const code of [0x02, 0x03, 0x60, 0x61])
    refuses(/uses scratch word 16 of 16/, instruction(code, 16), end)
  const sound = [instruction(0x15, 0, 0, 1), instruction(0x34, 1), instruction(0x02, 15), instruction(0x16)]
  t.equal(checkProgram(sound), sound)
  t.doesNotThrow(() => checkProgram(Array.from({ length: BPF_MAXINSNS }, () => end)))
})

t.test('text and binary form', async t => {
  for (const { expression, bytecode } of tcpdumpGoldens) {
    const program = fromBytecode(bytecode)
    t.equal(toBytecode(program), bytecode, expression)
    t.strictSame(
      fromBytecode(bytecode.replaceAll(',', '\n') + '\n'),
      program,
      'lines, as tcpdump -ddd prints them',
    )
    t.strictSame(fromSockFilters(toSockFilters(program)), program)
  }
  const littleEndian = [
    0x15, 0, 1, 2, 0x04, 0x03, 0x02, 0xff, 0x06, 0, 0, 0, 0, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0, 0x80,
  ]
  const bigEndian = [
    0, 0x15, 1, 2, 0xff, 0x02, 0x03, 0x04, 0, 0x06, 0, 0, 0, 0, 0, 0, 0, 0x06, 0, 0, 0x80, 0, 0, 0,
  ]
  const program = [
    { code: 0x15, jt: 1, jf: 2, k: 0xff020304 },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
    { code: 0x06, jt: 0, jf: 0, k: 0x80000000 },
  ]
  const bytes = Uint8Array.from(endianness() === 'LE' ? littleEndian : bigEndian)
  t.strictSame(toSockFilters(program), bytes, 'struct sock_filter in host order')
  t.throws(() => fromSockFilters(bytes), /instruction 0 of 3 jumps over 2/)
  const within = Uint8Array.from([9, 9, 9, ...bytes.slice(8)])
  t.strictSame(fromSockFilters(within.subarray(3)), program.slice(1), 'a view into a larger buffer')
})

t.test('malformed text and bytes', async t => {
  t.throws(() => fromBytecode('2,6 0 0 0'), { name: 'TypeError', message: /says "2" instructions and has 1/ })
  t.throws(() => fromBytecode(''), { name: 'TypeError' })
  t.throws(() => fromBytecode('1,6 0 0'), { name: 'TypeError', message: /Instruction 0 is "6 0 0"/ })
  t.throws(() => fromBytecode('1,6 0 0 -1'), { name: 'TypeError' })
  t.throws(() => fromBytecode('1,6 0 0 4294967296'), { name: 'RangeError', message: /k has 32/ })
  t.throws(() => fromBytecode('1,6 256 0 0'), { name: 'RangeError' })
  t.throws(() => fromBytecode('1,65542 0 0 0'), { name: 'RangeError' })
  t.throws(() => fromBytecode('1,32 0 0 0'), { name: 'RangeError', message: /does not return/ })
  t.throws(() => fromSockFilters(new Uint8Array(9)), { name: 'RangeError', message: /9 bytes/ })
  t.throws(() => fromSockFilters(new Uint8Array(0)), { name: 'RangeError' })
})
