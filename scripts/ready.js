/**
 * Makes a checkout runnable: dependencies, native addon, lib/. Every step runs only when something it depends on is
 * newer than its result. Needs nothing but Node and npm, so that any npm script can be the first command on a clone.
 *
 *     node scripts/ready.js [dependencies] [addon] [lib]     all three by default
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nodeHeaders } from './node-headers.js'
import { capture, root } from './run.js'
import { markFresh, staleness } from './stale.js'

/** @typedef {{ about: string, why: () => string | undefined, work: () => Promise<void> }} Step */

/** @type {Record<string, Step>} */
const steps = {
  dependencies: {
    about: 'installing dependencies',
    why: missingDependency,
    work: () => succeed(npm, [...npmArgs, 'ci', '--ignore-scripts', '--no-audit', '--no-fund']),
  },
  addon: {
    about: 'building the native addon',
    why: () => staleness('addon', { inputs: ['binding.gyp', 'native'], output: 'build/Release' }),
    work: buildAddon,
  },
  lib: {
    about: 'compiling src/ to lib/',
    why: () =>
      staleness('lib', { inputs: ['src', 'tsconfig.json', 'tsconfig.build.json'], output: 'lib/index.js' }),
    work: compile,
  },
}

const [npm, npmArgs] = process.env['npm_execpath']?.endsWith('.js')
  ? [process.execPath, [process.env['npm_execpath']]]
  : ['npm', []]

/**
 * Brings the named steps up to date, in order, with one line of progress for each one that has work to do.
 *
 * @param {readonly string[]} [names]
 */
export async function ready(names = Object.keys(steps)) {
  for (const name of names) {
    const step = steps[name]
    if (step === undefined)
      throw new RangeError(`no step '${name}': expected ${Object.keys(steps).join(', ')}`)
    const why = step.why()
    if (why === undefined) continue
    const began = new Date()
    process.stdout.write(`ready: ${step.about} (${why}) ...`)
    await step.work()
    markFresh(name, began)
    process.stdout.write(` ${((Date.now() - began.getTime()) / 1000).toFixed(1)} s\n`)
  }
}

/** npm keeps in node_modules a lock file of what it holds; it must agree with ours but for other platforms' packages. */
function missingDependency() {
  const held = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(held)) return 'node_modules is missing'
  const installed = lockedPackages(held)
  for (const [path, { version, optional }] of Object.entries(
    lockedPackages(join(root, 'package-lock.json')),
  )) {
    if (path !== '' && !optional && installed[path]?.version !== version)
      return `${path} ${version} is missing`
  }
  return undefined
}

/**
 * @param {string} file
 * @returns {Record<string, { version: string, optional?: boolean }>}
 */
const lockedPackages = file => JSON.parse(readFileSync(file, 'utf8')).packages

/** Not `node-gyp rebuild`: that would empty build/, and with it the stamps. */
async function buildAddon() {
  const headers = nodeHeaders()
  const nodedir = headers === undefined ? [] : [`--nodedir=${headers}`]
  await succeed(process.execPath, ['node_modules/node-gyp/bin/node-gyp.js', 'configure', 'build', ...nodedir])
}

/** Results of removed or renamed sources go too: lib/ is published as a whole. */
async function compile() {
  await succeed(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--incremental',
    'false',
  ])
  const sources = new Set(listFiles('src').map(file => file.replace(/\.ts$/, '')))
  for (const file of listFiles('lib')) {
    if (file !== 'README.md' && !sources.has(file.replace(/(\.js|\.d\.ts)(\.map)?$/, '')))
      rmSync(join(root, 'lib', file))
  }
}

/** @param {string} folder */
const listFiles = folder =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(join(root, folder).length + 1))

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function succeed(command, args) {
  const { code, output } = await capture(command, args)
  if (code === 0) return
  process.stdout.write(`\n${output}`)
  throw new Error(`${command} ${args.join(' ')} ended with exit code ${code}`)
}

if (import.meta.filename === process.argv[1]) {
  const names = process.argv.slice(2)
  await ready(names.length === 0 ? undefined : names).catch((/** @type {Error} */ error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
