import { spawnSync } from 'node:child_process'

/** Where the tests' kernel work happens: with the privileges at hand, in a user namespace of our own, or nowhere. */

/**
 * The command and arguments to put before a command so that it may create network namespaces, mounts and devices.
 * Empty when the caller may do so already; undefined, with the kernel's answer in `reason`, when nobody here may.
 *
 * In a user namespace of its own the command is root over a new network namespace and a new /run.
 *
 * @returns {{ prefix: string[] | undefined, reason: string }}
 */
export function sandbox() {
  if (attempt(['unshare', '--net', '--mount', 'true']) === undefined) return { prefix: [], reason: '' }
  const enter = ['unshare', '--user', '--map-root-user', '--net', '--mount']
  const setUp = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
  const prefix = [...enter, 'sh', '-ec', setUp, 'sandbox']
  const reason = attempt([...prefix, 'true'])
  return reason === undefined
    ? { prefix, reason: 'no privileges here: using a user namespace' }
    : { prefix: undefined, reason }
}

/**
 * @param {string[]} command
 * @returns {string | undefined} why it failed
 */
function attempt([command = '', ...args]) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return undefined
  return error?.message ?? (stderr.trim().split('\n').at(-1) || `${command} ended with exit code ${status}`)
}
