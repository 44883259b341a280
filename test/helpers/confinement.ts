import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Skip } from './privilege.js'

/** What is put before a command so that it has fewer rights. */
export type Confinement = readonly string[]

/** Runs it inside a network namespace, by the path of a handle. */
export const inNetns = (path: string): Confinement => ['nsenter', `--net=${path}`]

/** Runs it without capabilities, `'net_admin'`. */
export const withoutCapabilities = (...names: string[]): Confinement => {
  const dropped = names.map(name => `-${name}`).join(',')
  return ['setpriv', `--bounding-set=${dropped}`, `--inh-caps=${dropped}`]
}

/** Runs it as an ordinary user who has capabilities, as a service with User= and AmbientCapabilities= has. */
export const asUserWith = (...names: string[]): Confinement => {
  const given = names.map(name => `+${name}`).join(',')
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups']
  return ['setpriv', ...user, `--inh-caps=${given}`, `--ambient-caps=${given}`]
}

/** Runs it as root of a user namespace of its own. */
export const inUserNamespace: Confinement = ['unshare', '--user', '--map-root-user']

/** Runs it in a mount namespace of its own, once a script has mounted there what it likes. */
export const afterMounting = (script: string): Confinement => [
  ...['unshare', '--mount', 'sh', '-ec', `${script}; exec "$@"`, 'confined'],
]

/** errno.h */
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97]
const ERRNO = { EPERM, ENOSYS, EAFNOSUPPORT } as const

/** Runs it under a seccomp filter that fails system calls: unshare, setns, mount, fsopen, socket. */
export const withoutCalls = (names: readonly string[], errno: keyof typeof ERRNO = 'EPERM'): Confinement => [
  ...['python3', fileURLToPath(new URL('seccomp.py', import.meta.url))],
  ...[names.join(','), String(ERRNO[errno])],
]

/** Whether a command can be confined like this here. */
export function canConfine(...confinements: Confinement[]): Skip {
  const [command = '', ...args] = [...confinements.flat(), 'true']
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  const reason = error?.message ?? stderr.trim().split('\n').at(-1)
  return { skip: status === 0 ? false : `${command}: ${reason}` }
}
