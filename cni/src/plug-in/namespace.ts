import { statSync } from 'node:fs'
import { NetworkNamespace } from 'rtnetlink'
import { CniError, CODE } from '../spec/cni-error.js'

/**
 * Opens the namespace of a container.
 *
 * @param path what the runtime calls it
 * @param handle the same, opened by a client that waits: a process in another mount namespace may find nothing at `path`, or
 *   something else
 * @throws CniError 4 where it cannot be opened
 */
export function openNamespace(path: string, handle: string | undefined): NetworkNamespace {
  const where = handle === undefined || isSameFile(path, handle) ? path : handle
  try {
    return NetworkNamespace.open(where)
  } catch (error) {
    throw new CniError(
      CODE.invalidEnvironment,
      `CNI_NETNS is '${path}', which cannot be opened as a network namespace: ${(error as Error).message}`,
    )
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    return false
  }
}
