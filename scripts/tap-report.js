import { inspect } from 'node:util'
import { Parser } from 'tap-parser'

/** @typedef {import('tap-parser').Result} Result */
/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {Counts & { reasons: Map<string, number> }} Report how often a test was skipped for which reason */

/**
 * Reads the TAP of a run in which every test file is one subtest, prints a line for each file as it ends and what its
 * failures say, and resolves with the number of assertions. A file that fails without a failed assertion of its own
 * (a crash, a time-out) counts as one failure, and so does a run that ends early.
 *
 * @param {AsyncIterable<Buffer>} stream
 * @returns {Promise<Report>}
 */
export async function reportTap(stream) {
  /** @type {Report} */
  const report = { passed: 0, failed: 0, skipped: 0, reasons: new Map() }
  const parser = new Parser()
  /** @type {Result[]} */
  let assertions = []
  /** @type {Result | undefined} */
  let file
  // 'result' has every assertion, however deep, and after it the file's own if it says more than they do.
  parser.on('result', result => {
    if (result !== file) assertions.push(result)
  })
  parser.on('assert', result => {
    file = result
    reportFile(result, assertions, report)
    assertions = []
  })
  let planned = false
  parser.on('plan', () => {
    planned = true
  })
  for await (const chunk of stream) parser.write(chunk)
  // Asked before the end, which makes up a plan where there was none.
  const complete = planned
  parser.end()
  if (!complete || (!parser.ok && report.failed === 0)) {
    report.failed++
    console.log('FAIL the run ended before its last file')
  }
  return report
}

/**
 * @param {Result} file
 * @param {Result[]} assertions
 * @param {Report} report
 */
function reportFile(file, assertions, report) {
  const isFailure = (/** @type {Result} */ result) => !result.ok && !result.skip && !result.todo
  const says =
    file.skip || (isFailure(file) && !assertions.some(isFailure)) ? [...assertions, file] : assertions
  const failures = says.filter(isFailure)
  const skips = says.filter(result => result.skip || result.todo)
  const counts = {
    passed: says.length - failures.length - skips.length,
    failed: failures.length,
    skipped: skips.length,
  }
  for (const { skip, name } of skips) {
    const reason = typeof skip === 'string' ? skip : name
    report.reasons.set(reason, (report.reasons.get(reason) ?? 0) + 1)
  }
  report.passed += counts.passed
  report.failed += counts.failed
  report.skipped += counts.skipped
  console.log(
    `${file.ok ? 'ok  ' : 'FAIL'} ${file.name}: ${summary(counts)} (${((file.time ?? 0) / 1000).toFixed(1)} s)`,
  )
  for (const failure of failures) console.log(describe(failure))
}

/** Of what a failure says: the rest, such as all the filters of a host, buries the other failures. */
const MOST_LINES = 60
const MOST_COLUMNS = 300

/** @param {Result} failure */
function describe({ fullname, diag }) {
  const details = Object.entries(diag ?? {}).filter(
    ([key]) => !['at', 'compare', 'source', 'output'].includes(key),
  )
  const lines = details.map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value.trim() : inspect(value)}`,
  )
  const all = lines.join('\n').split('\n')
  const shown = all.slice(0, MOST_LINES).map(line => line.slice(0, MOST_COLUMNS))
  if (all.length > MOST_LINES) shown.push(`… ${all.length - MOST_LINES} lines more`)
  return [`  not ok: ${fullname}`, ...shown].join('\n      ')
}

/**
 * The three numbers that end every lane.
 *
 * @param {Counts} counts
 */
const summary = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`

/**
 * What several runs have to say, as one.
 *
 * @param {Report[]} reports
 * @returns {Report}
 */
export function add(reports) {
  /** @type {Report} */
  const sum = { passed: 0, failed: 0, skipped: 0, reasons: new Map() }
  for (const { passed, failed, skipped, reasons } of reports) {
    sum.passed += passed
    sum.failed += failed
    sum.skipped += skipped
    for (const [reason, times] of reasons) sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + times)
  }
  return sum
}

/**
 * Prints why tests were skipped, one line a reason, and the summary as the last line; sets the exit code. A run in
 * which nothing passed is a failure.
 *
 * @param {Report} report
 * @param {{ code?: unknown }} [runner] exit code of what ran the tests
 */
export function conclude(report, { code = 0 } = {}) {
  for (const [reason, times] of report.reasons) console.log(`not run here (${times}): ${reason}`)
  console.log(summary(report))
  process.exitCode = code === 0 && report.failed === 0 && report.passed > 0 ? 0 : 1
}
