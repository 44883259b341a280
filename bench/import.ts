/**
 * What `import 'rtnetlink'` costs a program: time and memory over a Node that imports nothing.
 *
 *     npm run bench -- import [rounds]
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alternate } from './src/alternate.js'
import { RESULTS } from './src/folders.js'
import { programs, runProgram, type Cost, type Program } from './src/import/programs.js'
import { machine } from './src/machine.js'
import { median } from './src/statistics.js'
import { textTable } from './src/text-table.js'

/** Over a bare Node: milliseconds, and megabytes (10^6 bytes). */
const GOAL = { milliseconds: 30, megabytes: 8 }

const rounds = Number(process.argv[2] ?? 31)
const costs = new Map<Program, Cost[]>(programs.map(program => [program, []]))
for (const program of programs) await runProgram(program)
await alternate(programs, rounds, async program => {
  costs.get(program)?.push(await runProgram(program))
})

/** Medians over the rounds; what a program costs over its bare twin is taken within each round. */
function summarize(program: Program): { name: string; cost: Cost; over: Cost | undefined } {
  const own = costs.get(program) ?? []
  const bare = costs.get(programs.find(({ name }) => name === program.over) ?? program) ?? []
  const medianOf = (of: (cost: Cost, round: number) => number): number => median(own.map(of))
  const over = (of: (cost: Cost) => number): number =>
    medianOf((cost, round) => of(cost) - of(bare[round] ?? cost))
  const milliseconds = (cost: Cost): number => cost.milliseconds
  const megabytes = (cost: Cost): number => cost.megabytes
  return {
    name: program.name,
    cost: { milliseconds: medianOf(milliseconds), megabytes: medianOf(megabytes) },
    ...{ over: program.over ? { milliseconds: over(milliseconds), megabytes: over(megabytes) } : undefined },
  }
}

const summaries = programs.map(summarize)
const cells = ({ milliseconds, megabytes }: Cost, sign = ''): string[] => [
  `${sign}${milliseconds.toFixed(1)} ms`,
  `${sign}${megabytes.toFixed(1)} MB`,
]
const { processors, processor, kernel, node } = machine()
console.log(`What importing rtnetlink costs: medians of ${rounds} processes each, in alternation`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(
  textTable([
    ['program', 'time', 'RSS', 'over', 'bare'],
    ...summaries.map(({ name, cost, over }) => [name, ...cells(cost), ...(over ? cells(over, '+') : [])]),
  ]),
)
for (const { name, over } of summaries) {
  if (!over) continue
  const met = over.milliseconds < GOAL.milliseconds && over.megabytes < GOAL.megabytes
  console.log(
    `${met ? 'met' : 'MISSED'}: ${name}: under ${GOAL.milliseconds} ms and ${GOAL.megabytes} MB over bare`,
  )
}
await writeFile(
  join(RESULTS, 'import.json'),
  `${JSON.stringify({ machine: machine(), rounds, summaries }, null, 2)}\n`,
)
