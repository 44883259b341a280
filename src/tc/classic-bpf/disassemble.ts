import {
  BPF_CLASS,
  BPF_JA,
  BPF_JMP,
  SKF_AD_CPU,
  SKF_AD_HATYPE,
  SKF_AD_IFINDEX,
  SKF_AD_MARK,
  SKF_AD_NLATTR,
  SKF_AD_NLATTR_NEST,
  SKF_AD_OFF,
  SKF_AD_PAY_OFFSET,
  SKF_AD_PKTTYPE,
  SKF_AD_PROTOCOL,
  SKF_AD_QUEUE,
  SKF_AD_RANDOM,
  SKF_AD_RXHASH,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
  SKF_AD_VLAN_TPID,
  type Instruction,
} from './instruction.js'
import { mnemonicOf, type OperandForm } from './mnemonics.js'

/** `bpf_asm`'s names of the skb fields (tools/bpf/bpf_exp.y). */
const ANCILLARY_NAMES: ReadonlyMap<number, string> = new Map([
  [SKF_AD_PROTOCOL, 'proto'],
  [SKF_AD_PKTTYPE, 'type'],
  [SKF_AD_IFINDEX, 'ifidx'],
  [SKF_AD_NLATTR, 'nla'],
  [SKF_AD_NLATTR_NEST, 'nlan'],
  [SKF_AD_MARK, 'mark'],
  [SKF_AD_QUEUE, 'queue'],
  [SKF_AD_HATYPE, 'hatype'],
  [SKF_AD_RXHASH, 'rxhash'],
  [SKF_AD_CPU, 'cpu'],
  [SKF_AD_VLAN_TAG, 'vlan_tci'],
  [SKF_AD_VLAN_TAG_PRESENT, 'vlan_avail'],
  [SKF_AD_PAY_OFFSET, 'poff'],
  [SKF_AD_RANDOM, 'rand'],
  [SKF_AD_VLAN_TPID, 'vlan_tpid'],
])

/**
 * A program as readable lines in the layout of `tcpdump -d`, one per instruction, jump targets as line numbers.
 *
 * Loads of skb fields carry `bpf_asm`'s names (`ld vlan_tci`). Total: codes unknown to the kernel become
 * `unimp 0x...` lines, as in tcpdump.
 */
export function disassemble(program: readonly Instruction[]): string[] {
  return program.map((instruction, index) => {
    const [name, form] = mnemonicOf(instruction.code) ?? ['unimp', 'code']
    const operand =
      form === 'code' ? `0x${instruction.code.toString(16)}` : operandOf(form, instruction, index)
    const line = `(${String(index).padStart(3, '0')}) ${name.padEnd(8)} `
    return isConditionalJump(instruction)
      ? `${line}${operand.padEnd(16)} jt ${index + 1 + instruction.jt}\tjf ${index + 1 + instruction.jf}`
      : (line + operand).trimEnd()
  })
}

function isConditionalJump({ code }: Instruction): boolean {
  return BPF_CLASS(code) === BPF_JMP && code !== (BPF_JMP | BPF_JA) && mnemonicOf(code) !== undefined
}

function operandOf(form: OperandForm, { k }: Instruction, index: number): string {
  const signed = k | 0
  switch (form) {
    case 'none':
      return ''
    case 'decimal':
      return `#${signed}`
    case 'hexadecimal':
      return `#0x${k.toString(16)}`
    case 'packet':
      return ANCILLARY_NAMES.get(signed - SKF_AD_OFF) ?? `[${signed}]`
    case 'packet+x':
      return `[x + ${signed}]`
    case 'headerLength':
      return `4*([${k}]&0xf)`
    case 'length':
      return '#pktlen'
    case 'memory':
      return `M[${k}]`
    case 'target':
      return String(index + 1 + k)
    case 'a':
    case 'x':
      return form
  }
}
