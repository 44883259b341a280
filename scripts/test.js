/**
 * `npm test`: brings the checkout up to date, checks types, lint and format, then runs every test this machine can
 * run. `npm test -- test/netlink/socket.test.ts` runs those files only, without the checks.
 */
import { availableParallelism } from 'node:os'
import { check } from './check.js'
import { ready } from './ready.js'
import { sandbox } from './sandbox.js'
import { grouped } from './test-order.js'

const named = process.argv.slice(2)
if (!(await ready(['dependencies', 'addon']))) process.exit(1)
// Most tests read src/ itself: a type error somewhere fails the run without keeping them from running.
const failedChecks = (await ready(['lib', 'programs'])) ? [] : ['lib']
if (named.length === 0) failedChecks.push(...(await check()))
// These need the dependencies.
const { sourcesBelow, transpileAll } = await import('./transpile.js')
const { conclude } = await import('./tap-report.js')
const { runTests } = await import('./run-tests.js')

const { prefix = [], reason } = sandbox()
if (prefix.length === 0)
  console.log(`test: no network namespace can be made here, tests that need one are skipped: ${reason}`)
else if (reason !== '') console.log(`test: ${reason}`)

await transpileAll()
const files = named.length > 0 ? named : sourcesBelow('test').filter(name => name.endsWith('.test.ts'))
const { beside, alone } = grouped(files)
const groups = [
  { files: beside, atOnce: Math.min(availableParallelism(), 2) },
  { files: alone, atOnce: 1 },
]
const report = await runTests(groups, prefix)
report.failed += failedChecks.length
if (failedChecks.length > 0) console.log(`FAIL ${failedChecks.join(', ')}: see above`)
conclude(report)
