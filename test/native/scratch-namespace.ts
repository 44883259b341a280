import { closeSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { binding } from '../../src/native/binding.js'

/**
 * For tap's options: why no namespace can be made here, or false. These tests need no names in /run/netns.
 */
export function needsNamespaces(): { skip: false | string } {
  const { status, stderr } = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' })
  return { skip: status === 0 ? false : `no network namespaces: ${stderr.trim()}` }
}

export function makeNamespace(): Promise<number> {
  return new Promise((resolve, reject) => {
    binding().unshareNetworkNamespace(undefined, (error, fd) => (error ? reject(error) : resolve(fd)))
  })
}

/** The file descriptor of a new network namespace, which ends with the test. */
export async function scratchNamespace(t: Test): Promise<number> {
  const netns = await makeNamespace()
  t.teardown(() => closeSync(netns))
  return netns
}
