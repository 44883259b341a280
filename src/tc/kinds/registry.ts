import type { AnyFilterKind } from '../filter-kind.js'
import { registryOf } from '../kind-registry.js'
import type { AnyOptionsKind } from '../options-kind.js'
import { bpfKind } from './bpf.js'
import { fifo } from './fifo.js'
import { fqCodel, fqCodelClass } from './fq-codel.js'
import { htb, htbClass } from './htb.js'
import { ingress } from './ingress.js'
import { tbf } from './tbf.js'
import { rawFilterKind, rawFilterPlaces } from './raw-filter.js'
import { u32Kind } from './u32.js'

/*
 * What is modelled, by the kernel's names. A new kind is one file in this folder, a line here, and one in the union of
 * specs in qdisc.ts, class.ts or filter.ts.
 */

export const qdiscKinds = registryOf<AnyOptionsKind>({
  bfifo: fifo,
  clsact: ingress,
  fq_codel: fqCodel,
  htb,
  ingress,
  pfifo: fifo,
  tbf,
})

export const classKinds = registryOf<AnyOptionsKind>({ fq_codel: fqCodelClass, htb: htbClass })

export const filterKinds = registryOf<AnyFilterKind>({
  bpf: bpfKind,
  u32: u32Kind,
  ...Object.fromEntries(
    Object.entries(rawFilterPlaces).map(([name, places]) => [name, rawFilterKind(places)]),
  ),
})
