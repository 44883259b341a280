import type { Verb } from '../netlink/object-type.js'

const words: Readonly<Record<Verb, string>> = {
  add: 'add',
  replace: 'replace',
  change: 'change',
  delete: 'del',
  get: 'get',
}

/** The word of `tc` for a verb. */
export const verbWord = (verb: Verb): string => words[verb]

/** `tc qdisc add dev eth0 …`. Comments come last: a shell reads nothing behind one. */
export function tcCommand(...parts: readonly (string | readonly string[])[]): string {
  const words = parts.flat()
  const isComment = (word: string): boolean => word.startsWith('#')
  return ['tc', ...words.filter(word => !isComment(word)), ...words.filter(isComment)].join(' ')
}

/** What `tc` has no words for, as a comment. */
export const rawWords = (attribute: string, bytes: Uint8Array | undefined): string[] =>
  bytes === undefined ? [] : [`# ${attribute} ${Buffer.from(bytes).toString('hex')}`]
