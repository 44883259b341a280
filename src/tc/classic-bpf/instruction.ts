/**
 * One classic-BPF instruction, `struct sock_filter` of linux/filter.h.
 *
 * `code` is an instruction class with its size, mode or operation (`BPF_LD | BPF_H | BPF_ABS`). A conditional jump
 * skips `jt` instructions when its test holds and `jf` when it does not (0 to 255 each); `k` is an unsigned 32-bit
 * constant, offset or, for `BPF_JA`, the number of instructions to skip. There are no backward jumps.
 */
export interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** The most instructions the kernel takes in one program (linux/bpf_common.h). */
export const BPF_MAXINSNS = 4096

/** Words of scratch memory a program has (linux/filter.h). */
export const BPF_MEMWORDS = 16

// Instruction classes (linux/bpf_common.h).
export const BPF_LD = 0x00
export const BPF_LDX = 0x01
export const BPF_ST = 0x02
export const BPF_STX = 0x03
export const BPF_ALU = 0x04
export const BPF_JMP = 0x05
export const BPF_RET = 0x06
export const BPF_MISC = 0x07

/** The class of an instruction code (linux/bpf_common.h). */
export const BPF_CLASS = (code: number) => code & 0x07

// Sizes and modes of BPF_LD and BPF_LDX (linux/bpf_common.h).
export const BPF_W = 0x00
export const BPF_H = 0x08
export const BPF_B = 0x10
export const BPF_IMM = 0x00
export const BPF_ABS = 0x20
export const BPF_IND = 0x40
export const BPF_MEM = 0x60
export const BPF_LEN = 0x80
export const BPF_MSH = 0xa0

// Operations of BPF_ALU and BPF_JMP, and their second operand (linux/bpf_common.h).
export const BPF_ADD = 0x00
export const BPF_SUB = 0x10
export const BPF_MUL = 0x20
export const BPF_DIV = 0x30
export const BPF_OR = 0x40
export const BPF_AND = 0x50
export const BPF_LSH = 0x60
export const BPF_RSH = 0x70
export const BPF_NEG = 0x80
export const BPF_MOD = 0x90
export const BPF_XOR = 0xa0
export const BPF_JA = 0x00
export const BPF_JEQ = 0x10
export const BPF_JGT = 0x20
export const BPF_JGE = 0x30
export const BPF_JSET = 0x40
export const BPF_K = 0x00
export const BPF_X = 0x08

// What BPF_RET returns besides K, and the two BPF_MISC operations (linux/filter.h).
export const BPF_A = 0x10
export const BPF_TAX = 0x00
export const BPF_TXA = 0x80

// Loads from SKF_AD_OFF on read a field of the skb instead of the packet (linux/filter.h).
export const SKF_AD_OFF = -0x1000
export const SKF_AD_PROTOCOL = 0
export const SKF_AD_PKTTYPE = 4
export const SKF_AD_IFINDEX = 8
export const SKF_AD_NLATTR = 12
export const SKF_AD_NLATTR_NEST = 16
export const SKF_AD_MARK = 20
export const SKF_AD_QUEUE = 24
export const SKF_AD_HATYPE = 28
export const SKF_AD_RXHASH = 32
export const SKF_AD_CPU = 36
export const SKF_AD_VLAN_TAG = 44
export const SKF_AD_VLAN_TAG_PRESENT = 48
export const SKF_AD_PAY_OFFSET = 52
export const SKF_AD_RANDOM = 56
export const SKF_AD_VLAN_TPID = 60
