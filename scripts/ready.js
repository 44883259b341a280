/**
 * Makes a checkout runnable: dependencies, native addon, lib/, the programs of cni/. Every step runs
 * only when something it depends on is newer than its result. Needs nothing but Node and npm, so that any npm script can be the first command on a clone.
 *
 *     node scripts/ready.js [dependencies] [addon] [lib] [programs] [client]     all by default
 */
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buildClient, CLIENT_INPUTS, clientFile, compilerFor, hasProgram } from './client.js'
import { compile, compilePrograms } from './compile.js'
import { nodeHeaders } from './node-headers.js'
import { root, succeed } from './run.js'
import { markFresh, staleness } from './stale.js'

/**
 * By these, cni/ and examples/ find the packages of this repository as their users do. npm knows nothing of them, and takes them
 * away.
 */
const LINKS = { 'node_modules/rtnetlink': '..', 'node_modules/rtnetlink-cni': '../cni' }

/** @typedef {{ about: string, why: () => string | undefined, work: () => Promise<string | undefined> }} Step `work` resolves with what went wrong */

/** @type {Record<string, Step>} */
const steps = {
  dependencies: {
    about: 'installing dependencies',
    why: missingDependency,
    work: installDependencies,
  },
  addon: {
    about: 'building the native addon',
    why: () => staleness('addon', { inputs: ['binding.gyp', 'native'], output: 'build/Release' }),
    work: buildAddon,
  },
  lib: {
    about: 'compiling src/ to lib/',
    why: () =>
      staleness('lib', {
        inputs: ['src', 'tsconfig.json', 'tsconfig.build.json', 'scripts/compile.js'],
        output: 'lib/index.js',
      }),
    work: compile,
  },
  client: {
    about: 'building the client of rtnetlinkd',
    why: () => staleness('client', { inputs: CLIENT_INPUTS, output: clientFile(process.arch) }),
    work: buildClientIfPossible,
  },
  programs: {
    about: 'compiling cni/src/ to cni/lib/',
    why: () =>
      staleness('programs', {
        inputs: ['cni/src', 'scripts/compile.js', 'tsconfig.cni.json'],
        output: 'cni/lib',
      }),
    work: compilePrograms,
  },
}

/**
 * Brings the named steps up to date, in order, with one line of progress for each one that has work to do. The first
 * that fails ends it: what it said is printed, and the answer is false.
 *
 * @param {readonly string[]} [names]
 * @returns {Promise<boolean>}
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
    const failure = await step.work()
    if (failure !== undefined) {
      console.log(`\n${failure}`)
      return false
    }
    markFresh(name, began)
    console.log(` ${((Date.now() - began.getTime()) / 1000).toFixed(1)} s`)
  }
  return true
}

/**
 * A command line of the npm that runs this script, or of the first one found.
 *
 * @param {...string} args
 * @returns {[command: string, args: string[]]}
 */
export function npm(...args) {
  const path = process.env['npm_execpath']
  return path?.endsWith('.js') ? [process.execPath, [path, ...args]] : ['npm', args]
}

async function installDependencies() {
  const onlyLinks = missingPackage() === undefined
  const failure = onlyLinks
    ? undefined
    : await succeed(...npm('ci', '--ignore-scripts', '--no-audit', '--no-fund'))
  if (failure !== undefined) return failure
  for (const [link, target] of Object.entries(LINKS))
    if (!existsSync(join(root, link))) symlinkSync(target, join(root, link))
  return undefined
}

/** npm keeps in node_modules a lock file of what it holds; it must agree with ours but for other platforms' packages. */
function missingDependency() {
  const link = Object.keys(LINKS).find(link => !existsSync(join(root, link)))
  return missingPackage() ?? (link === undefined ? undefined : `${link} is missing`)
}

function missingPackage() {
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
function buildAddon() {
  const headers = nodeHeaders()
  const nodedir = headers === undefined ? [] : [`--nodedir=${headers}`]
  return succeed(process.execPath, [
    'node_modules/node-gyp/bin/node-gyp.js',
    'configure',
    'build',
    ...nodedir,
  ])
}

/** Nothing but the plug-in needs it: a machine without a compiler can do all else. */
async function buildClientIfPossible() {
  const compiler = compilerFor(process.arch)
  if (hasProgram(compiler)) return buildClient()
  process.stdout.write(` no C compiler (${compiler}), skipped`)
  return undefined
}

if (import.meta.filename === process.argv[1]) {
  const names = process.argv.slice(2)
  process.exitCode = (await ready(names.length === 0 ? undefined : names)) ? 0 : 1
}
