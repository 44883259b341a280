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
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_LSH,
  BPF_MEM,
  BPF_MEMWORDS,
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
  BPF_TXA,
  BPF_W,
  BPF_X,
  BPF_XOR,
  SKF_AD_OFF,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
  type Instruction,
} from '../../src/tc/classic-bpf/instruction.js'

/** A frame as a tc filter sees it: the kernel has taken an outer VLAN tag off into the skb. */
export interface Skb {
  readonly bytes: Uint8Array
  /** The tag control information of the tag that was taken off: priority, DEI and VLAN id. */
  readonly vlanTci?: number
}

/** Ends the run: the load was beyond the packet, or a division by a zero X. The program's result is 0. */
class Aborted extends Error {}

/**
 * Runs a classic-BPF program as the kernel does (net/core/filter.c), written from its documentation
 * (Documentation/networking/filter.rst) without looking at the assembler.
 *
 * @returns the program's result as an unsigned 32-bit number
 */
export function run(program: readonly Instruction[], skb: Skb): number {
  try {
    return new Machine(skb).run(program)
  } catch (error) {
    if (error instanceof Aborted) return 0
    throw error
  }
}

class Machine {
  #a = 0
  #x = 0
  readonly #memory = new Uint32Array(BPF_MEMWORDS)

  constructor(readonly skb: Skb) {}

  run(program: readonly Instruction[]): number {
    for (let pc = 0; ; pc++) {
      const instruction = program[pc]
      if (!instruction) throw new Error(`The program ran past its end, to ${pc}`)
      if ((instruction.code & 7) === BPF_RET) {
        return (instruction.code & 0x18) === BPF_A ? this.#a : instruction.k
      }
      pc += this.#step(instruction)
    }
  }

  /** Runs an instruction other than a return; the result is how many instructions to skip. */
  #step(instruction: Instruction): number {
    const { code, k } = instruction
    switch (code & 7) {
      case BPF_LD:
        this.#a = this.#load(code, k)
        return 0
      case BPF_LDX:
        this.#x = this.#load(code, k)
        return 0
      case BPF_ST:
        this.#memory[k] = this.#a
        return 0
      case BPF_STX:
        this.#memory[k] = this.#x
        return 0
      case BPF_ALU:
        this.#a = this.#calculate(code & 0xf0, code & BPF_X ? this.#x : k) >>> 0
        return 0
      case BPF_JMP:
        return this.#jump(instruction)
      case BPF_MISC:
        if ((code & 0xf8) === BPF_TXA) this.#a = this.#x
        else this.#x = this.#a
        return 0
    }
    throw new Error(`Unknown code ${code}`)
  }

  #load(code: number, k: number): number {
    switch (code & 0xe0) {
      case BPF_IMM:
        return k
      case BPF_LEN:
        return this.skb.bytes.length
      case BPF_MEM:
        return this.#memory[k] ?? 0
      case BPF_ABS:
        return (k | 0) < 0 ? this.#ancillary((k | 0) - SKF_AD_OFF) : this.#packet(k, code & 0x18)
      case BPF_IND:
        return this.#packet((this.#x + k) >>> 0, code & 0x18)
      case BPF_MSH:
        return 4 * (this.#packet(k, BPF_B) & 0xf)
    }
    throw new Error(`Unknown load ${code}`)
  }

  #packet(at: number, size: number): number {
    const { buffer, byteOffset, length } = this.skb.bytes
    const width = { [BPF_W]: 4, [BPF_H]: 2, [BPF_B]: 1 }[size] ?? 0
    if (at + width > length) throw new Aborted()
    const view = new DataView(buffer, byteOffset, length)
    return size === BPF_W ? view.getUint32(at) : size === BPF_H ? view.getUint16(at) : view.getUint8(at)
  }

  #ancillary(field: number): number {
    const { vlanTci } = this.skb
    if (field === SKF_AD_VLAN_TAG) return vlanTci ?? 0
    if (field === SKF_AD_VLAN_TAG_PRESENT) return vlanTci === undefined ? 0 : 1
    throw new Error(`No skb field ${field} in this interpreter`)
  }

  #calculate(operation: number, operand: number): number {
    const a = this.#a
    if ((operation === BPF_DIV || operation === BPF_MOD) && operand === 0) throw new Aborted()
    switch (operation) {
      case BPF_ADD:
        return a + operand
      case BPF_SUB:
        return a - operand
      case BPF_MUL:
        return Math.imul(a, operand)
      case BPF_DIV:
        return Math.floor(a / operand)
      case BPF_MOD:
        return a % operand
      case BPF_OR:
        return a | operand
      case BPF_AND:
        return a & operand
      case BPF_XOR:
        return a ^ operand
      case BPF_LSH:
        return a << operand
      case BPF_RSH:
        return a >>> operand
      case BPF_NEG:
        return -a
    }
    throw new Error(`Unknown arithmetic operation ${operation}`)
  }

  #jump({ code, jt, jf, k }: Instruction): number {
    const operand = code & BPF_X ? this.#x : k
    switch (code & 0xf0) {
      case BPF_JA:
        return k
      case BPF_JEQ:
        return this.#a === operand ? jt : jf
      case BPF_JGT:
        return this.#a > operand ? jt : jf
      case BPF_JGE:
        return this.#a >= operand ? jt : jf
      case BPF_JSET:
        return (this.#a & operand) !== 0 ? jt : jf
    }
    throw new Error(`Unknown jump ${code}`)
  }
}
