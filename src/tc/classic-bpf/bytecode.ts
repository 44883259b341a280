import type { Instruction } from './instruction.js'
import { checkProgram, type Program } from './program.js'

/**
 * A program in the form that `tc filter add … bpf bytecode` takes and `tcpdump -ddd` prints in lines:
 * the number of instructions, then `code jt jf k` of each, all decimal, separated by commas.
 */
export function toBytecode(program: readonly Instruction[]): string {
  return [program.length, ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)].join(',')
}

/**
 * Reads tc's `'N,code jt jf k,…'` form; line breaks, as `tcpdump -ddd` puts them, separate as well as commas.
 *
 * @throws TypeError when the text has another form, naming the first instruction that does not fit
 * @throws RangeError when a number does not fit its field or the kernel would refuse the program
 */
export function fromBytecode(text: string): Program {
  const [count, ...instructions] = text
    .trim()
    .replace(/,$/, '')
    .split(/\s*[,\n]\s*/)
  if (count !== String(instructions.length)) {
    throw new TypeError(
      `The bytecode says ${JSON.stringify(count)} instructions and has ${instructions.length}: expected 'N,code jt jf k,…'`,
    )
  }
  return checkProgram(instructions.map(parseInstruction))
}

function parseInstruction(text: string, index: number): Instruction {
  const fields = /^(\d+) +(\d+) +(\d+) +(\d+)$/.exec(text)
  if (!fields) {
    throw new TypeError(
      `Instruction ${index} is ${JSON.stringify(text)}: expected four decimal numbers 'code jt jf k'`,
    )
  }
  const [code = 0, jt = 0, jf = 0, k = 0] = fields.slice(1).map(Number)
  if (code > 0xffff || jt > 0xff || jf > 0xff || k > 0xffffffff) {
    throw new RangeError(
      `Instruction ${index} is ${JSON.stringify(text)}: code has 16 bits, jt and jf have 8, k has 32 (struct sock_filter)`,
    )
  }
  return { code, jt, jf, k }
}
