import type { ObjectType } from '../../index.js'
import { counted } from '../counted.js'

type AnyObject = Pick<ObjectType<never, never, never, never>, 'command'>

/** The words of `ip` and `tc` that describe an object: what follows the verb on the command line that makes it. */
export const wordsOf = (type: AnyObject, object: unknown): string =>
  withoutBytes(type.command('add', object as never).replace(/^(ip|tc)( -6)? \w+ \w+ /, ''))

/** The words that describe what is particular to a kind of qdisc, class or filter: those behind the kind. */
export function optionWordsOf(type: AnyObject, object: { readonly kind?: string | undefined }): string {
  const words = wordsOf(type, object).split(' ')
  // In front are `dev` and the name of a device, which can be anything.
  return words.slice(words.indexOf(object.kind ?? '', 2) + 1).join(' ')
}

/**
 * Nobody reads a program of classic BPF as numbers, or the options of a kind that is not modelled as bytes: how long they are
 * will do. `--json` has all of it.
 */
const withoutBytes = (words: string): string =>
  words
    .replace(/bytecode '(\d+),[^']*'/, (_, count: string) => `bytecode of ${count} instructions`)
    .replace(/# TC\w+ ((?:[0-9a-f]{2})*)/g, (_, hex: string) => counted(hex.length / 2, 'byte'))
