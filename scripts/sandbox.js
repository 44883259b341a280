import { spawnSync } from 'node:child_process'

/** Where the tests' kernel work happens: with the privileges at hand, in a user namespace of our own, or nowhere. */

/**
 * The command and arguments to put before a command so that it may create network namespaces, mounts and devices;
 * undefined, with the kernel's answer in `reason`, when nobody here may.
 *
 * The command has a /run of its own: the names of namespaces that others have there, or left there, are not met. Where
 * the caller has no privileges it is root of a user namespace too, over a new network namespace.
 *
 * @returns {{ prefix: string[] | undefined, reason: string }}
 */
export function sandbox() {
  const setUp = 'mount -t tmpfs tmpfs /run && exec "$@"'
  const privileged = ['unshare', '--mount', 'sh', '-ec', setUp, 'sandbox']
  if (attempt([...privileged, 'unshare', '--net', 'true']) === undefined)
    return { prefix: privileged, reason: '' }
  const enter = ['unshare', '--user', '--map-root-user', '--net', '--mount']
  const prefix = [...enter, 'sh', '-ec', `ip link set lo up && ${setUp}`, 'sandbox']
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
