import { fileURLToPath } from 'node:url'
import { output } from '../output.js'

/** One program, run in a process of its own. */
export interface Program {
  readonly name: string
  readonly type: 'module' | 'commonjs'
  readonly code: string
  /** Name of the program that does all the same but for the import. */
  readonly over?: string
}

export interface Cost {
  /** From start to end of the process, as its parent sees it. */
  readonly milliseconds: number
  /** Resident set at its end, 10^6 bytes. */
  readonly megabytes: number
}

const EMPTY_MODULE = 'an empty module'
const EMPTY_SCRIPT = 'an empty script'

export const programs: readonly Program[] = [
  { name: EMPTY_MODULE, type: 'module', code: '' },
  { name: `import 'rtnetlink'`, type: 'module', code: `import 'rtnetlink'`, over: EMPTY_MODULE },
  { name: EMPTY_SCRIPT, type: 'commonjs', code: '' },
  { name: `require('rtnetlink')`, type: 'commonjs', code: `require('rtnetlink')`, over: EMPTY_SCRIPT },
]

/** By its own name the package imports its lib/, as it is published. */
const folder = fileURLToPath(new URL('../../..', import.meta.url))

export async function runProgram({ type, code }: Program): Promise<Cost> {
  const text = `${code}\nconsole.log(process.memoryUsage.rss())`
  const began = performance.now()
  const rss = await output(process.execPath, [`--input-type=${type}`, '--eval', text], folder)
  return { milliseconds: performance.now() - began, megabytes: Number(rss) / 1e6 }
}
