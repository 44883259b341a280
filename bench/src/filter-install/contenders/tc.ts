import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from '../../compile.js'
import type { Contender } from '../../contender.js'
import { BUILD } from '../../folders.js'
import { output, samplesOf } from '../../output.js'
import { filters, FILTERS, tcArguments, type Workload } from '../workload.js'

async function writeLines(name: string, lines: readonly string[]): Promise<string> {
  const path = join(BUILD, name)
  await writeFile(path, lines.map(line => `${line}\n`).join(''))
  return path
}

/** `tc -batch`: one process, its start included, which sends the filters one by one. */
export const tcBatch: Contender<Workload> = {
  name: 'tc -batch',
  form: 'one by one',
  peer: true,
  perSample: FILTERS,
  async prepare(workload) {
    await output('tc', ['-Version'])
    const program = await compile('processes')
    const batch = await writeLines(
      'tc-batch',
      filters.map(filter => tcArguments(workload, filter)),
    )
    const commands = await writeLines('tc-batch-commands', [`tc -batch ${batch}`])
    return () => samplesOf(program, [commands])
  },
}

/** A `tc` process for each filter, what a program does that shells out. */
export const tcProcesses: Contender<Workload> = {
  name: 'tc, a process each',
  form: 'one by one',
  peer: true,
  perSample: 1,
  async prepare(workload) {
    await output('tc', ['-Version'])
    const program = await compile('processes')
    const commands = await writeLines(
      'tc-commands',
      filters.map(filter => `tc ${tcArguments(workload, filter)}`),
    )
    return () => samplesOf(program, [commands])
  },
}
