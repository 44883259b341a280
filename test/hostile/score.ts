import { controlOf, type Group, type Verdicts } from './check.js'
import { TWIN } from './family.js'

/** What our layout fails at, and why that is right. */
export const RIGHTLY_FAILED: Readonly<Record<string, string>> = {
  L12: "fragments: 'drop' is the default; 'allow' makes it pass",
  L13: "fragments: 'drop' is the default; 'allow' makes it pass",
  L16: 'lo carries whole datagrams only: what is larger than its MTU is not steered',
  A39: "the prefix is on-link by default, as in Mesos; neighbours: 'gateway' makes it pass",
  A43: 'whose an echo reply is nobody can tell: no owner of echo identifiers is kept',
  A49: "hostAccess: 'allow' is the default, as in Mesos; 'deny' makes it pass",
  G04: "checksums are filled in behind the filters, by whatever device sends; egressEnforcement: 'host' makes it pass",
  G05: 'the same',
  T1: 'the kernel shows frames to such sockets before any filter; the host should run none on our devices',
}

/** The same of IPv6. */
export const RIGHTLY_FAILED6: Readonly<Record<string, string>> = {
  '6L12': 'fragments of IPv6 are extension headers, which have no node: the host reassembles them',
  '6L13': 'fragments of IPv6 are extension headers, which nothing lets out',
  ...Object.fromEntries(
    ['L16', 'A43', 'A49', 'G04', 'G05', 'T1'].map(id => [TWIN + id, RIGHTLY_FAILED[id] ?? '']),
  ),
}
const REASONS: Readonly<Record<string, string>> = { ...RIGHTLY_FAILED, ...RIGHTLY_FAILED6 }

const word = (verdict: string | undefined): string => (verdict === undefined ? 'pass' : 'FAIL')

/** One line per check: id, what it breaks, and how each layout fared. */
export function scoreTable(groups: readonly Group[], results: Readonly<Record<string, Verdicts>>): string {
  const layouts = Object.entries(results)
  const lines = groups.flatMap(({ name, checks }) => [
    '',
    name,
    ...checks.map(({ id, rule }) =>
      [
        id.padEnd(9),
        ...layouts.map(([layout, verdicts]) =>
          (verdicts.has(id) ? word(verdicts.get(id)) : '-').padEnd(layout.length + 1),
        ),
        id in REASONS ? `${rule} (${REASONS[id]})` : rule,
      ].join(' '),
    ),
  ])
  const head = [
    'check'.padEnd(9),
    ...layouts.map(([layout]) => `${layout} `),
    'the rule it breaks, or the path that has to work',
  ].join(' ')
  return [head, ...lines, '', ...layouts.map(([layout, verdicts]) => `${layout}: ${score(verdicts)}`)].join(
    '\n',
  )
}

/** `271 of 279 pass`. */
export function score(verdicts: Verdicts): string {
  const passed = [...verdicts.values()].filter(verdict => verdict === undefined).length
  return `${passed} of ${verdicts.size} pass`
}

/** Checks that a layout fails and is not known to fail, as lines. */
export const unexpected = (verdicts: Verdicts): string[] =>
  [...verdicts].flatMap(([id, verdict]) =>
    verdict === undefined || id in REASONS ? [] : [`${id}: ${verdict}`],
  )

/** Checks that have not failed on the layout that is their positive control. */
export const withoutControl = (
  groups: readonly Group[],
  results: Readonly<Record<string, Verdicts>>,
): string[] =>
  groups
    .flatMap(({ checks }) => checks)
    .flatMap(check => {
      const control = controlOf(check)
      return control && results[control]?.get(check.id) === undefined ? [`${check.id} on '${control}'`] : []
    })
