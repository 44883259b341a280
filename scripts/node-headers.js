import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * The prefix whose `include/node` holds the headers of the running Node, or undefined. Distribution packages,
 * official archives and version managers all install them beside the binary, so that a build needs no download.
 *
 * @returns {string | undefined}
 */
export function nodeHeaders() {
  const prefix = resolve(realpathSync(process.execPath), '../..')
  return existsSync(resolve(prefix, 'include/node/node_api.h')) ? prefix : undefined
}
