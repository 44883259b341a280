import { openSync } from 'node:fs'
import { SystemError } from './system-error.js'

/**
 * Opens what a descriptor is open for a second time, by Node, which closes it when a worker thread ends, and warns of those
 * that it does not know. Throws SystemError.
 */
export function reopen(fd: number): number {
  const path = `/proc/self/fd/${fd}`
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new SystemError((error as { errno: number }).errno, 'open', path)
  }
}
