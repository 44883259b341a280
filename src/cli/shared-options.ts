import type { NetnsReference } from '../index.js'

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

/** The namespace that an option names; none for the caller's own. Digits alone are a pid. */
export const netnsOf = (text: string | undefined): { netns?: NetnsReference } =>
  text === undefined ? {} : { netns: /^\d+$/.test(text) ? Number(text) : text }
