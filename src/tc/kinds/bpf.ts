import {
  absent,
  boolean,
  bytes,
  list as listOf,
  numberOf,
  object,
  optional,
  type Declaration,
  type InputOf,
} from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import {
  attributes,
  binary,
  list,
  reported,
  struct,
  text,
  u16,
  u32,
  u8,
  type Infer,
  type InferInput,
} from '../../netlink/codec/index.js'
import { shellWord } from '../../netlink/shell-word.js'
import { actionList, actionsFromWire, actionsInput, actionsToWire, actionWords } from '../action.js'
import { toBytecode } from '../classic-bpf/bytecode.js'
import type { Instruction } from '../classic-bpf/instruction.js'
import { checkProgram } from '../classic-bpf/program.js'
import type { FilterKind } from '../filter-kind.js'
import { formatHandle, handleInput, parseClassid } from '../handle.js'
import { offloadFlags, offloadInput, offloadOf, offloadWords, type Offload } from '../offload.js'
import { policeFields } from '../police.js'
import { rawWords } from '../tc-command.js'
import { wholeNumber } from '../whole-number.js'

/** struct sock_filter, linux/filter.h */
export const sockFilter = struct({ code: u16, jt: u8, jf: u8, k: u32 })

/** TCA_BPF_*, linux/pkt_cls.h */
export const bpfAttributes = attributes({
  actions: ['TCA_BPF_ACT', 1, actionList],
  police: ['TCA_BPF_POLICE', 2, binary],
  classid: ['TCA_BPF_CLASSID', 3, u32],
  opsLen: ['TCA_BPF_OPS_LEN', 4, u16],
  ops: ['TCA_BPF_OPS', 5, list(sockFilter)],
  fd: ['TCA_BPF_FD', 6, u32],
  name: ['TCA_BPF_NAME', 7, text],
  flags: ['TCA_BPF_FLAGS', 8, u32],
  flagsGen: ['TCA_BPF_FLAGS_GEN', 9, u32],
  tag: ['TCA_BPF_TAG', 10, reported(binary)],
  id: ['TCA_BPF_ID', 11, reported(u32)],
})

type Wire = Infer<typeof bpfAttributes>
type WireIn = InferInput<typeof bpfAttributes>

/** linux/pkt_cls.h */
const TCA_BPF_FLAG_ACT_DIRECT = 1

const instruction: Declaration<Instruction> = object({
  code: carriedBy(u16),
  jt: carriedBy(u8),
  jf: carriedBy(u8),
  k: carriedBy(u32),
})

const common = object({
  /** A number of 32 bits. Chosen by the kernel where it is not given; lower ones are not tried first: newer ones are. */
  handle: optional(carriedBy(u32)),
  /** What an eBPF program is called in lists. */
  name: optional(carriedBy(text)),
  /** What the program returns is a verdict (TC_ACT_*), and there are no actions. Default false. */
  directAction: optional(boolean),
  /** The class for packets that match. */
  classid: optional(handleInput),
  actions: optional(actionsInput),
  /** A policer as it was before there were actions: the content of TCA_BPF_POLICE. */
  police: optional(bytes),
})

const classic = object({
  /** A classic-BPF program. The number it returns is the verdict with `directAction`; else 0 means no match. */
  program: listOf(instruction, 'a list of instructions'),
})

const extended = object({
  /** The file descriptor of an eBPF program. */
  fd: numberOf("the file descriptor of an eBPF program, where there is no 'program'"),
  program: absent,
})

interface BpfCommon extends Offload, InputOf<typeof common> {}

/** A filter that is a classic-BPF program. */
export interface ClassicBpf extends BpfCommon, InputOf<typeof classic> {
  fd?: undefined
}
export const classicBpfInput: Declaration<ClassicBpf> = object({}, common, offloadInput, classic)

/** A filter that is an eBPF program, which is loaded already. */
export interface ExtendedBpf extends BpfCommon, InputOf<typeof extended> {}
export const extendedBpfInput: Declaration<ExtendedBpf> = object({}, common, offloadInput, extended)

export type BpfFields = ClassicBpf | ExtendedBpf

/** What the kernel reports of a BPF filter beside what was asked for. */
export interface BpfState {
  inHardware: boolean
  /** Number of an eBPF program. */
  id?: number
  /** Hash of an eBPF program, in hex. */
  tag?: string
}

/** `bpf` (net/sched/cls_bpf.c). */
export const bpfKind: FilterKind<BpfFields, Wire, WireIn> = {
  codec: bpfAttributes,
  parseHandle: handle => wholeNumber('handle', handle as number),
  formatHandle: handle => handle,

  toWire(fields, devices) {
    const { program, fd, name, classid, directAction } = fields
    return {
      classid: classid === undefined ? undefined : parseClassid(classid),
      actions: actionsToWire(fields.actions, devices),
      police: fields.police,
      opsLen: program?.length,
      ops: program && checkProgram(program),
      fd,
      name,
      flagsGen: offloadFlags(fields),
      flags: directAction ? TCA_BPF_FLAG_ACT_DIRECT : undefined,
    }
  },

  fromWire({ classid, actions, police, ops, fd, name, flags = 0, flagsGen, tag, id }, devices) {
    return {
      ...(ops && { program: ops }),
      ...(fd !== undefined && { fd }),
      ...(name !== undefined && { name }),
      directAction: (flags & TCA_BPF_FLAG_ACT_DIRECT) !== 0,
      ...(classid !== undefined && { classid: formatHandle(classid) }),
      actions: actionsFromWire(actions, devices),
      ...policeFields('TCA_BPF_POLICE', police),
      ...(id !== undefined && { id }),
      ...(tag && { tag: Buffer.from(tag).toString('hex') }),
      ...offloadOf(flagsGen),
    } as unknown as BpfFields & BpfState
  },

  words: ({ program, fd, name, directAction, classid, actions, police, ...offload }) => [
    ...(directAction ? ['da'] : []),
    ...(program ? ['bytecode', shellWord(toBytecode(program))] : []),
    ...(fd === undefined ? [] : ['fd', `${fd}`]),
    ...(name === undefined ? [] : ['name', shellWord(name)]),
    ...(classid === undefined ? [] : ['classid', formatHandle(parseClassid(classid))]),
    ...offloadWords(offload),
    ...actionWords(actions),
    ...rawWords('TCA_BPF_POLICE', police),
  ],
}
