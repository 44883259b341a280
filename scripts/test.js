/**
 * `npm test`: brings the checkout up to date, checks types, lint and format, then runs every test this machine can
 * run. `npm test -- test/netlink/socket.test.ts` runs those files only, without the checks.
 */
import { spawn } from 'node:child_process'
import { check } from './check.js'
import { ready } from './ready.js'
import { root } from './run.js'
import { sandbox } from './sandbox.js'

const files = process.argv.slice(2)
if (!(await ready(['dependencies', 'addon']))) process.exit(1)
// Most tests read src/ itself: a type error somewhere fails the run without keeping them from running.
const failedChecks = (await ready(['lib'])) ? [] : ['lib']
if (files.length === 0) failedChecks.push(...(await check()))
const { conclude, reportTap } = await import('./tap-report.js')

const { prefix, reason } = sandbox()
if (prefix === undefined)
  console.log(`test: no network namespace can be made here, tests that need one are skipped: ${reason}`)
else if (reason !== '') console.log(`test: ${reason}`)

const tap = [process.execPath, 'node_modules/tap/dist/esm/run.mjs', 'run', '--reporter=tap', ...files]
const [command = '', ...args] = [...(prefix ?? []), ...tap]
const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
const ended = new Promise(resolve => child.once('close', code => resolve(code ?? 128)))
const report = await reportTap(child.stdout)
report.failed += failedChecks.length
if (failedChecks.length > 0) console.log(`FAIL ${failedChecks.join(', ')}: see above`)
conclude(report, { code: await ended })
