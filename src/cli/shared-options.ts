import type { NetnsReference } from '../index.js'
import { UsageError } from './failure.js'

/** Options that many commands have. */
export const netnsOption = {
  type: 'string',
  short: 'n',
  value: 'NETNS',
  completes: 'netns',
  about: 'the network namespace: a name in /run/netns, a path, or the pid of a process in it',
} as const

export const jsonOption = { type: 'boolean', short: 'j', about: 'print JSON' } as const

export const deviceOption = (about: string) =>
  ({ type: 'string', short: 'd', value: 'NAME', completes: 'device', about }) as const

/** PID_MAX_LIMIT, linux/threads.h */
const PIDS = 4_194_304

/**
 * The namespace that an option names; none for the caller's own. Digits alone are a pid.
 *
 * @throws UsageError for what can be no name and no pid
 */
export function netnsOf(text: string | undefined): { netns?: NetnsReference } {
  if (text === undefined) return {}
  if (text === '.' || text === '..')
    throw new UsageError(`--netns is '${text}': expected a name in /run/netns, a path with a slash, or a pid`)
  if (!/^\d+$/.test(text)) return { netns: text }
  const pid = Number(text)
  if (pid >= 1 && pid < PIDS) return { netns: pid }
  throw new UsageError(
    `--netns is '${text}': a pid is from 1 to ${PIDS - 1}; a namespace whose name is digits alone: /run/netns/${text}`,
  )
}

/** IFNAMSIZ and ALTIFNAMSIZ, linux/if.h, without the final NUL. */
const [NAME_BYTES, ALTERNATIVE_NAME_BYTES] = [15, 127]

/** @throws UsageError for what no interface can be called */
export function checkDevice(name: string | undefined): void {
  if (name === undefined) return
  const bytes = Buffer.byteLength(name)
  if (bytes <= NAME_BYTES ? !/[/:\s]|^\.\.?$/.test(name) : bytes <= ALTERNATIVE_NAME_BYTES) return
  throw new UsageError(
    `--dev is '${name}': expected the name of an interface, up to ${NAME_BYTES} bytes without '/', ':' or space, or an alternative name of up to ${ALTERNATIVE_NAME_BYTES}`,
  )
}
