import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { barChart, type Bar } from './bar-chart.js'
import type { Form } from './contender.js'
import { RESULTS } from './folders.js'
import type { Verdict } from './goals.js'
import type { machine } from './machine.js'
import type { Unavailable } from './measure.js'
import type { Summary } from './summary.js'
import { textTable } from './text-table.js'
import { duration, times } from './units.js'

/** All that a benchmark found. */
export interface Report {
  /** Names the files. */
  readonly name: string
  readonly title: string
  readonly method: string
  readonly machine: ReturnType<typeof machine>
  readonly summaries: readonly Summary[]
  readonly unavailable: readonly Unavailable[]
  readonly verdicts: readonly Verdict[]
}

const FORMS: readonly Form[] = ['one by one', 'batched']

const byTime = (summaries: readonly Summary[], form: Form): Summary[] =>
  summaries.filter(summary => summary.form === form).sort((a, b) => a.p50 - b.p50)

/** The report for a terminal. */
export function reportText({ title, method, machine, summaries, unavailable, verdicts }: Report): string {
  const { processors, processor, kernel, node } = machine
  const rows = FORMS.flatMap(form => [
    [`${form}:`],
    ...byTime(summaries, form).map(({ name, p50, p99, ratio }) => [
      `  ${name}`,
      duration(p50),
      duration(p99),
      times(ratio),
      duration(p50 - p50 / ratio),
    ]),
  ])
  return [
    `${title}\n${method}\n${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`,
    textTable([['per operation', 'p50', 'p99', 'of floor', 'above floor'], ...rows]),
    '',
    ...unavailable.map(({ name, reason }) => `not run: ${name}: ${reason}`),
    ...verdicts.map(({ goal, came, met }) => `${met ? 'met' : 'MISSED'}: ${goal}: ${came}`),
  ].join('\n')
}

const toBar = ({ name, p50, ratio, floor, peer }: Summary): Bar => ({
  label: name,
  value: p50,
  text: floor ? duration(p50) : `${duration(p50)}, ${times(ratio)}`,
  tone: floor ? 'floor' : peer ? 'peer' : 'ours',
})

/** Writes the report as JSON and as a chart to `results/`; gives their paths. */
export async function writeReport(report: Report): Promise<string[]> {
  const { name, title, method, summaries } = report
  const json = join(RESULTS, `${name}.json`)
  const svg = join(RESULTS, `${name}.svg`)
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`)
  const groups = FORMS.map(form => ({ title: form, bars: byTime(summaries, form).map(toBar) }))
  await writeFile(svg, barChart({ title, subtitle: method, groups, format: duration }))
  return [json, svg]
}
