import t from 'tap'
import { ancillary, halfAt, ret, unlessInRanges, wordAt } from '../../src/tc/classic-bpf/blocks.js'
import { fromBytecode } from '../../src/tc/classic-bpf/bytecode.js'
import { disassemble } from '../../src/tc/classic-bpf/disassemble.js'
import { SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT } from '../../src/tc/classic-bpf/instruction.js'
import { assemble } from '../../src/tc/classic-bpf/program.js'
import { tcpdumpGoldens } from './classic-bpf-goldens.js'

for (const { expression, listing, bytecode } of tcpdumpGoldens) {
  t.test(`as tcpdump -d: ${expression}`, async t => {
    t.strictSame(disassemble(fromBytecode(bytecode)), listing)
  })
}

t.test('what tcpdump does not emit', async t => {
  const program = assemble(
    ancillary(SKF_AD_VLAN_TAG_PRESENT),
    ancillary(SKF_AD_VLAN_TAG),
    wordAt(-0x100000),
    halfAt(34, unlessInRanges([[31000, 31007]], ret(0))),
    ret(-1),
  )
  t.strictSame(disassemble(program), [
    '(000) ld       vlan_avail',
    '(001) ld       vlan_tci',
    '(002) ld       [-1048576]',
    '(003) ldh      [34]',
    '(004) jge      #0x7918          jt 5\tjf 7',
    '(005) jgt      #0x791f          jt 7\tjf 6',
    '(006) ja       8',
    '(007) ret      #0',
    '(008) ret      #-1',
  ])
  t.strictSame(
    disassemble([
      { code: 0x0d, jt: 1, jf: 2, k: 3 },
      { code: 0x1d, jt: 1, jf: 2, k: 3 },
      { code: 0x16, jt: 0, jf: 0, k: 0 },
    ]),
    ['(000) unimp    0xd', '(001) jeq      x                jt 3\tjf 4', '(002) ret      a'],
  )
})
