import { filter, mirred, type EtherType } from '../../tc/index.js'
import type { Program } from '../../tc/classic-bpf/program.js'
import { planAdd, type Planned } from './planned.js'

/** A classic-BPF filter: a verdict of its own, or a condition for a redirect. */
export type BpfFilterOptions = {
  readonly dev: string
  readonly priority: number
  readonly protocol: EtherType
  readonly handle: number
  readonly program: Program
} & ({ readonly directAction: true } | { readonly redirect: string })

export function bpfFilter({
  dev,
  priority,
  protocol,
  handle,
  program,
  ...outcome
}: BpfFilterOptions): Planned {
  const common = { dev, parent: 'ingress', priority, protocol, kind: 'bpf', handle, program } as const
  return planAdd(
    filter,
    'redirect' in outcome
      ? { ...common, actions: [mirred.redirect(outcome.redirect)] }
      : { ...common, directAction: true },
  )
}
