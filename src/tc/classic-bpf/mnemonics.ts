import {
  BPF_A,
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_DIV,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_LSH,
  BPF_MEM,
  BPF_MISC,
  BPF_MOD,
  BPF_MSH,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RET,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_TAX,
  BPF_TXA,
  BPF_W,
  BPF_X,
  BPF_XOR,
} from './instruction.js'

/** How an instruction's operand is written. */
export type OperandForm =
  | 'none'
  | 'decimal'
  | 'hexadecimal'
  | 'packet'
  | 'packet+x'
  | 'headerLength'
  | 'length'
  | 'memory'
  | 'target'
  | 'a'
  | 'x'

/** An instruction's name in `bpf_asm` and `tcpdump -d`, and the form of its operand. */
export type Mnemonic = readonly [name: string, operand: OperandForm]

/** Both operand forms of an arithmetic operation or a conditional jump. */
const kOrX = (code: number, name: string, operand: OperandForm): [number, Mnemonic][] => [
  [code | BPF_K, [name, operand]],
  [code | BPF_X, [name, 'x']],
]

/** The codes that `chk_code_allowed()` (net/core/filter.c) accepts. */
const MNEMONICS: ReadonlyMap<number, Mnemonic> = new Map([
  [BPF_LD | BPF_W | BPF_ABS, ['ld', 'packet']],
  [BPF_LD | BPF_H | BPF_ABS, ['ldh', 'packet']],
  [BPF_LD | BPF_B | BPF_ABS, ['ldb', 'packet']],
  [BPF_LD | BPF_W | BPF_IND, ['ld', 'packet+x']],
  [BPF_LD | BPF_H | BPF_IND, ['ldh', 'packet+x']],
  [BPF_LD | BPF_B | BPF_IND, ['ldb', 'packet+x']],
  [BPF_LD | BPF_W | BPF_LEN, ['ld', 'length']],
  [BPF_LD | BPF_IMM, ['ld', 'hexadecimal']],
  [BPF_LD | BPF_MEM, ['ld', 'memory']],
  [BPF_LDX | BPF_W | BPF_LEN, ['ldx', 'length']],
  [BPF_LDX | BPF_B | BPF_MSH, ['ldxb', 'headerLength']],
  [BPF_LDX | BPF_IMM, ['ldx', 'hexadecimal']],
  [BPF_LDX | BPF_MEM, ['ldx', 'memory']],
  [BPF_ST, ['st', 'memory']],
  [BPF_STX, ['stx', 'memory']],
  ...kOrX(BPF_ALU | BPF_ADD, 'add', 'decimal'),
  ...kOrX(BPF_ALU | BPF_SUB, 'sub', 'decimal'),
  ...kOrX(BPF_ALU | BPF_MUL, 'mul', 'decimal'),
  ...kOrX(BPF_ALU | BPF_DIV, 'div', 'decimal'),
  ...kOrX(BPF_ALU | BPF_MOD, 'mod', 'decimal'),
  ...kOrX(BPF_ALU | BPF_LSH, 'lsh', 'decimal'),
  ...kOrX(BPF_ALU | BPF_RSH, 'rsh', 'decimal'),
  ...kOrX(BPF_ALU | BPF_AND, 'and', 'hexadecimal'),
  ...kOrX(BPF_ALU | BPF_OR, 'or', 'hexadecimal'),
  ...kOrX(BPF_ALU | BPF_XOR, 'xor', 'hexadecimal'),
  [BPF_ALU | BPF_NEG, ['neg', 'none']],
  [BPF_JMP | BPF_JA, ['ja', 'target']],
  ...kOrX(BPF_JMP | BPF_JEQ, 'jeq', 'hexadecimal'),
  ...kOrX(BPF_JMP | BPF_JGT, 'jgt', 'hexadecimal'),
  ...kOrX(BPF_JMP | BPF_JGE, 'jge', 'hexadecimal'),
  ...kOrX(BPF_JMP | BPF_JSET, 'jset', 'hexadecimal'),
  [BPF_RET | BPF_K, ['ret', 'decimal']],
  [BPF_RET | BPF_A, ['ret', 'a']],
  [BPF_MISC | BPF_TAX, ['tax', 'none']],
  [BPF_MISC | BPF_TXA, ['txa', 'none']],
])

/** The mnemonic of an instruction code, `undefined` for a code that the kernel refuses. */
export function mnemonicOf(code: number): Mnemonic | undefined {
  return MNEMONICS.get(code)
}
