/** `npm run check`: types, lint and format of the whole tree. A good result holds until a file changes. */
import { readdirSync } from 'node:fs'
import { capture, root } from './run.js'
import { markFresh, staleness } from './stale.js'

const tsc = 'node_modules/typescript/bin/tsc'

/** @type {Record<string, string[]>} */
const checks = {
  types: [tsc, '-p', 'tsconfig.json'],
  'script-types': [tsc, '-p', 'scripts/tsconfig.json'],
  lint: ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'],
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
}

const made = ['.git', '.tap', 'build', 'lib', 'node_modules', 'prebuilds']
const inputs = readdirSync(root).filter(name => !made.includes(name))

/**
 * Runs, side by side, the checks whose last good result is out of date, and prints what the failing ones say.
 *
 * @returns {Promise<string[]>} names of the checks that failed
 */
export async function check() {
  const due = Object.keys(checks).filter(name => staleness(name, { inputs }) !== undefined)
  if (due.length > 0) console.log(`check: ${due.join(', ')}`)
  const results = await Promise.all(due.map(async name => ((await passes(name)) ? [] : [name])))
  return results.flat()
}

/** @param {string} name */
async function passes(name) {
  const began = new Date()
  const env = { ...process.env, NO_COLOR: '1' }
  const { code, output } = await capture(process.execPath, checks[name] ?? [], { env })
  if (code === 0) markFresh(name, began)
  else console.log(`FAIL ${name}\n${output}`)
  return code === 0
}

if (import.meta.filename === process.argv[1]) process.exitCode = (await check()).length > 0 ? 1 : 0
