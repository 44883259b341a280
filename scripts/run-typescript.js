import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './run.js'
import { sandbox } from './sandbox.js'

/**
 * The names by which `npm run example` and `npm run bench` know the files of a folder: without the ending.
 *
 * @param {string} folder
 */
export const namesIn = folder =>
  readdirSync(join(root, folder))
    .filter(file => file.endsWith('.ts'))
    .map(file => file.slice(0, -'.ts'.length))

/**
 * Runs a TypeScript file as it is.
 *
 * @param {string} file from the repository's root
 * @param {readonly string[]} parameters
 * @param {{ sandboxed: boolean }} options with `sandboxed`, with a /run of its own, and in a user namespace when the caller has no privileges
 * @returns {Promise<number>} its exit code
 */
export async function runTypescript(file, parameters, { sandboxed }) {
  const { prefix, reason } = sandboxed ? sandbox() : { prefix: [], reason: '' }
  if (reason !== '') console.log(`${file}: ${reason}`)
  const node = [process.execPath, '--import', join(root, 'scripts/typescript.js'), '--enable-source-maps']
  const [command = '', ...args] = [...(prefix ?? []), ...node, file, ...parameters]
  return run(command, args)
}
