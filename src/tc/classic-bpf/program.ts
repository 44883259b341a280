import { sequence, type Block } from './blocks.js'
import {
  BPF_ALU,
  BPF_CLASS,
  BPF_DIV,
  BPF_JA,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MAXINSNS,
  BPF_MEM,
  BPF_MEMWORDS,
  BPF_MOD,
  BPF_RET,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  type Instruction,
} from './instruction.js'
import { mnemonicOf } from './mnemonics.js'

/** A whole classic-BPF program, one that the kernel's checker accepts. */
export type Program = readonly Instruction[]

/**
 * Joins blocks to a program and checks it.
 *
 * @throws RangeError when the kernel would refuse it, see {@link checkProgram}
 */
export function assemble(...blocks: readonly Block[]): Program {
  return checkProgram(sequence(...blocks))
}

/**
 * Makes the checks of `bpf_check_classic()` (net/core/filter.c), where the kernel only says EINVAL: 1 to 4096
 * known instructions, every jump inside the program, a return at the end, no division by a constant 0, no shift of 32
 * or more, no scratch word beyond the 16th.
 *
 * @returns the program itself
 * @throws RangeError naming the instruction and what is wrong with it
 */
export function checkProgram(program: readonly Instruction[]): Program {
  if (program.length < 1 || program.length > BPF_MAXINSNS) {
    throw new RangeError(
      `A classic-BPF program has 1 to ${BPF_MAXINSNS} instructions (BPF_MAXINSNS), this one ${program.length}`,
    )
  }
  for (const [index, instruction] of program.entries()) {
    const fault = faultOf(instruction, program.length - index - 1)
    if (fault) throw new RangeError(`Classic-BPF instruction ${index} of ${program.length} ${fault}`)
  }
  return program
}

/** What is wrong with an instruction that has `following` instructions after it. */
function faultOf({ code, jt, jf, k }: Instruction, following: number): string | undefined {
  if (mnemonicOf(code) === undefined) return `has the unknown code 0x${code.toString(16)}`
  if (BPF_CLASS(code) === BPF_JMP) {
    const furthest = code === (BPF_JMP | BPF_JA) ? k : Math.max(jt, jf)
    return furthest < following
      ? undefined
      : `jumps over ${furthest} instructions, but only ${following} follow`
  }
  if (following === 0 && BPF_CLASS(code) !== BPF_RET) return 'is the last one and does not return'
  switch (code) {
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_MOD | BPF_K:
      return k === 0 ? 'divides by 0' : undefined
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return k >= 32 ? `shifts a 32-bit word by ${k}` : undefined
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return k >= BPF_MEMWORDS ? `uses scratch word ${k} of ${BPF_MEMWORDS}` : undefined
    default:
      return undefined
  }
}
