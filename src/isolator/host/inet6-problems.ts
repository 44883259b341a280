import { refuse } from '../options/option-checks.js'
import type { inet6Options, Inet6Options } from '../options/inet6-options.js'
import type { InputOf } from '../../input/index.js'

type Option = keyof InputOf<typeof inet6Options>

/** What of the host's IPv6 containers do not get, or have lost. */
export interface Inet6Problem {
  /** The command that puts it right, or shows it. */
  readonly object: string
  /** What was found, and what follows from it. */
  readonly found: string
  /** The option that settles it; absent: `found` says what does. */
  readonly settledBy?: { readonly option: Option; readonly expected: string }
  /** Why `create()` refuses it where IPv6 is wanted for sure; absent: it does not. */
  readonly refusal?: { readonly option: Option; readonly found: string; readonly expected: string }
}

/** What was found and what helps, in a sentence. */
export const sentenceOf = ({ found, settledBy }: Pick<Inet6Problem, 'found' | 'settledBy'>): string =>
  settledBy ? `${found}: '${settledBy.option}' takes ${settledBy.expected}` : found

export function warnOfInet6(problem: Pick<Inet6Problem, 'found' | 'settledBy'>): void {
  process.emitWarning(sentenceOf(problem), { code: 'RTNETLINK_ROUTES' })
}

/**
 * Throws for what leaves `create()` without an answer, and warns of the rest.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function settleInet6Problems(problems: readonly Inet6Problem[], wanted: Inet6Options['wanted']): void {
  const refused = wanted === 'auto' ? undefined : problems.find(({ refusal }) => refusal)?.refusal
  if (refused) throw refuse(refused.option, undefined, refused.expected, refused.found)
  problems.forEach(warnOfInet6)
}
