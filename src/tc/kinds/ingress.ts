import { attributes } from '../../netlink/codec/index.js'
import type { OptionsKind } from '../options-kind.js'

/** `ingress` and `clsact` (net/sched/sch_ingress.c): hooks for filters, without options and without a queue. */
export const ingress: OptionsKind<object, object> = {
  codec: attributes({}),
  toWire: () => undefined,
  fromWire: () => ({}),
  words: () => [],
}
