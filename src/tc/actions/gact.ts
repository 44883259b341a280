import { attributes, s32, struct, u16, type Infer, type InferInput } from '../../netlink/codec/index.js'
import { controlNumber, controlOf, controlWords, type ActionControl } from '../action-control.js'
import type { ActionKind } from './action-kind.js'
import { tcfT, tcGen } from './generic.js'

// linux/tc_act/tc_gact.h
export const tcGact = struct(tcGen)
export const tcGactP = struct({ ptype: u16, pval: u16, paction: s32 })

/** TCA_GACT_*, linux/tc_act/tc_gact.h */
export const gactAttributes = attributes({
  tm: ['TCA_GACT_TM', 1, tcfT],
  parms: ['TCA_GACT_PARMS', 2, tcGact],
  prob: ['TCA_GACT_PROB', 3, tcGactP],
})

/** An action that does nothing but decide. */
export interface GactAction {
  kind: 'gact'
  then: ActionControl
}

/** `gact` (net/sched/act_gact.c). */
export const gactKind: ActionKind<
  GactAction,
  Infer<typeof gactAttributes>,
  InferInput<typeof gactAttributes>
> = {
  codec: gactAttributes,
  toWire: ({ then }) => ({ parms: { action: controlNumber(then) } }),
  fromWire: ({ parms }) => ({ kind: 'gact', then: controlOf(parms?.action ?? 0) }),
  words: ({ then }) => controlWords(then),
}

const decide = (then: ActionControl): GactAction => ({ kind: 'gact', then })

/** Makes actions that decide what happens to a packet: `actions: [gact.drop()]`. */
export const gact = {
  /** Drops the packet. */
  drop: () => decide('drop'),
  /** Accepts the packet; no further filter is asked. */
  pass: () => decide('pass'),
  /** Goes on to the next action. */
  pipe: () => decide('pipe'),
  /** Goes on to the next filter. */
  continue: () => decide('continue'),
  /** Starts over with the first filter. */
  reclassify: () => decide('reclassify'),
  /** Goes on with the filters of a chain. */
  goto: (chain: number) => decide({ goto: chain }),
}
