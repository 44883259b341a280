import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './run.js'
import { reportTap } from './tap-report.js'

/** Several times what the longest takes on a machine that does nothing else. */
const secondsPerFile = Number(process.env['TAP_TIMEOUT'] ?? 400)

/**
 * Runs test files and reports each as it ends. Every file has a process of its own, and with a `prefix` that makes one
 * (sandbox.js) a /run of its own: files that run beside each other meet no names of each other's.
 *
 * @param {{ files: readonly string[], atOnce: number }[]} groups one after the other
 * @param {readonly string[]} prefix of each command
 */
export async function runTests(groups, prefix) {
  const tap = new PassThrough()
  const report = reportTap(tap)
  tap.write('TAP version 14\n')
  let ended = 0
  for (const { files, atOnce } of groups) {
    const left = [...files]
    const takeTurns = async () => {
      for (let file = left.shift(); file !== undefined; file = left.shift()) {
        const run = await runFile(file, prefix)
        tap.write(subtest(++ended, file, run))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, takeTurns))
  }
  tap.end(`1..${ended}\n`)
  return report
}

/** @typedef {{ output: string, failure: string | undefined, milliseconds: number }} Run of a file; `failure` is how its process failed */

/**
 * @param {string} file
 * @param {readonly string[]} prefix
 * @returns {Promise<Run>}
 */
async function runFile(file, prefix) {
  const began = Date.now()
  const node = [
    process.execPath,
    '--enable-source-maps',
    '--import',
    `${root}scripts/typescript.js`,
    `${root}${file}`,
  ]
  const [command = '', ...args] = [...prefix, ...node]
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(secondsPerFile) },
    stdio: ['ignore', 'pipe', 'inherit'],
    // The limit that the file has itself, by TAP_TIMEOUT or t.setTimeout(), comes first, and says what took so long.
    timeout: 2 * secondsPerFile * 1000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  const closed = once(child, 'close')
  const [code, signal] = await once(child, 'exit')
  // A process that a failed test has left behind would hold the pipe open for ever.
  await Promise.race([closed, sleep(1000, undefined, { ref: false })])
  child.stdout.destroy()
  const failure = code === 0 ? incomplete(output) : (signal ?? `exit code ${code}`)
  return { output, failure, milliseconds: Date.now() - began }
}

/**
 * Why the TAP of a file that ended well says nothing: it has no plan, or one of nothing without a reason.
 *
 * @param {string} output
 */
function incomplete(output) {
  const plan = /^1\.\.(\d+)(?: # (?!no tests found)(.*))?$/m.exec(output)
  if (!plan) return 'no plan'
  return plan[1] === '0' && plan[2] === undefined ? 'no assertions' : undefined
}

/**
 * The TAP of a file as that of one test among others.
 *
 * @param {number} number
 * @param {string} file
 * @param {Run} run
 */
function subtest(number, file, { output, failure, milliseconds }) {
  const lines = output.trimEnd().replaceAll(/^/gm, '    ')
  const verdict = failure === undefined ? 'ok' : 'not ok'
  const diagnostics = failure === undefined ? '' : `  ---\n  ended: ${failure}\n  ...\n`
  return `# Subtest: ${file}\n${lines}\n${verdict} ${number} - ${file} # time=${milliseconds}ms\n${diagnostics}`
}
