import { filter, mirred, type EtherType, type Parent } from '../../tc/index.js'
import type { Program } from '../../tc/classic-bpf/program.js'
import { plan, planAdd, type Planned } from './planned.js'

/** A classic-BPF filter: a verdict of its own, or a condition for a redirect or a class. */
export type BpfFilterOptions = {
  readonly dev: string
  /** Default: `'ingress'`. */
  readonly parent?: Parent
  readonly priority: number
  readonly protocol: EtherType
  readonly handle: number
  readonly program: Program
} & ({ readonly directAction: true } | { readonly redirect: string } | { readonly classid: string })

export const bpfFilter = (options: BpfFilterOptions): Planned => planAdd(filter, specOf(options))

/** Puts another program in the place of one, in one step: there is no moment without either. */
export const replaceBpfFilter = (before: BpfFilterOptions, after: BpfFilterOptions): Planned =>
  plan(filter, 'replace', specOf(after), plan(filter, 'replace', specOf(before)))

function specOf({
  dev,
  parent = 'ingress',
  priority,
  protocol,
  handle,
  program,
  ...outcome
}: BpfFilterOptions) {
  const common = { dev, parent, priority, protocol, kind: 'bpf', handle, program } as const
  return 'redirect' in outcome
    ? { ...common, actions: [mirred.redirect(outcome.redirect)] }
    : { ...common, ...outcome }
}
