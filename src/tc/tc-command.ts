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

/** `tc qdisc add dev eth0 …` */
export const tcCommand = (...parts: readonly (string | readonly string[])[]): string =>
  ['tc', ...parts.flat()].join(' ')

/** Options that cannot be said in words of `tc`, as a comment. */
export const rawWords = (attribute: string, bytes: Uint8Array | undefined): string[] =>
  bytes === undefined ? [] : ['#', attribute, Buffer.from(bytes).toString('hex')]
