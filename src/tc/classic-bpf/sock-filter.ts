import { endianness } from 'node:os'
import type { Instruction } from './instruction.js'
import { checkProgram, type Program } from './program.js'

/** `sizeof(struct sock_filter)`: u16 code, u8 jt, u8 jf, u32 k, in host byte order (linux/filter.h). */
const SIZE = 8

const littleEndian = endianness() === 'LE'

/** A program as an array of `struct sock_filter`: what TCA_BPF_OPS and SO_ATTACH_FILTER carry. */
export function toSockFilters(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * SIZE)
  const view = new DataView(bytes.buffer)
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const at = index * SIZE
    view.setUint16(at, code, littleEndian)
    view.setUint8(at + 2, jt)
    view.setUint8(at + 3, jf)
    view.setUint32(at + 4, k, littleEndian)
  }
  return bytes
}

/**
 * Reads an array of `struct sock_filter`, as a dump carries it in TCA_BPF_OPS.
 *
 * @throws RangeError when the length is no multiple of 8 bytes or the kernel would refuse the program
 */
export function fromSockFilters(bytes: Uint8Array): Program {
  if (bytes.length % SIZE !== 0) {
    throw new RangeError(`${bytes.length} bytes are no whole number of struct sock_filter, which has ${SIZE}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return checkProgram(
    Array.from({ length: bytes.length / SIZE }, (_, index) => ({
      code: view.getUint16(index * SIZE, littleEndian),
      jt: view.getUint8(index * SIZE + 2),
      jf: view.getUint8(index * SIZE + 3),
      k: view.getUint32(index * SIZE + 4, littleEndian),
    })),
  )
}
