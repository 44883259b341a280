import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './run.js'

/**
 * Why a step has to run again, or undefined when it does not. A step's stamp carries the time its last good run
 * began; a file or folder below `inputs` that is newer (a folder's time changes when an entry is removed) is the reason.
 *
 * @param {string} stamp name of the step
 * @param {{ inputs: readonly string[], output?: string }} step paths from the repository's root
 * @returns {string | undefined}
 */
export function staleness(stamp, { inputs, output }) {
  if (output !== undefined && !existsSync(join(root, output))) return `${output} is missing`
  const path = stampPath(stamp)
  if (!existsSync(path)) return 'first run'
  const since = statSync(path).mtimeMs
  const newer = firstNewer(inputs, since)
  return newer === undefined ? undefined : `${newer} changed`
}

/**
 * Notes that a step's outputs are up to date with what its inputs were at `began`.
 *
 * @param {string} stamp
 * @param {Date} began
 */
export function markFresh(stamp, began) {
  const path = stampPath(stamp)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  utimesSync(path, began, began)
}

const stampPath = (/** @type {string} */ stamp) => join(root, 'build/stamps', stamp)

/**
 * @param {readonly string[]} paths
 * @param {number} since
 * @returns {string | undefined}
 */
function firstNewer(paths, since) {
  for (const path of paths) {
    const found = statSync(join(root, path), { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.mtimeMs > since) return path
    if (!found.isDirectory()) continue
    const entries = readdirSync(join(root, path)).filter(name => name !== 'node_modules' && name !== 'build')
    const newer = firstNewer(
      entries.map(name => join(path, name)),
      since,
    )
    if (newer !== undefined) return newer
  }
  return undefined
}
