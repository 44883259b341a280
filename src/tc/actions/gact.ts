import { object, oneOf, optional, whole, type Declaration, type InputOf } from '../../input/index.js'
import { attributes, s32, struct, u16, type Infer, type InferInput } from '../../netlink/codec/index.js'
import { namedNumbers } from '../../netlink/codec/named.js'
import {
  actionControlInput,
  controlNumber,
  controlOf,
  controlWords,
  type ActionControl,
} from '../action-control.js'
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

const random = object({
  type: oneOf('netrand', 'determ'),
  oneIn: whole(1, 0xffff),
  then: actionControlInput,
})

/** One in `oneIn` packets, counted (`determ`) or on average (`netrand`), gets `then`. */
export interface GactRandom extends InputOf<typeof random> {}

const action = object({
  kind: oneOf('gact'),
  then: actionControlInput,
  /** For some packets decide something else. */
  random: optional<GactRandom>(random),
})

/** An action that does nothing but decide. */
export interface GactAction extends InputOf<typeof action> {}
export const gactInput: Declaration<GactAction> = action

/** PGACT_NETRAND and PGACT_DETERM, linux/tc_act/tc_gact.h */
const randomTypes = namedNumbers('way to choose packets', { netrand: 1, determ: 2 })

/** `gact` (net/sched/act_gact.c). */
export const gactKind: ActionKind<
  GactAction,
  Infer<typeof gactAttributes>,
  InferInput<typeof gactAttributes>
> = {
  codec: gactAttributes,
  toWire: ({ then, random }) => ({
    parms: { action: controlNumber(then) },
    prob: random && {
      ptype: randomTypes.toNumber(random.type),
      pval: random.oneIn,
      paction: controlNumber(random.then),
    },
  }),
  fromWire: ({ parms, prob }) => ({
    kind: 'gact',
    then: controlOf(parms?.action ?? 0),
    ...(prob && prob.ptype !== 0 && { random: randomOf(prob) }),
  }),
  words: ({ then, random }) => [
    ...controlWords(then),
    ...(random ? ['random', random.type, ...controlWords(random.then), `${random.oneIn}`] : []),
  ],
}

const randomOf = ({ ptype, pval, paction }: Infer<typeof tcGactP>): GactRandom => ({
  type: randomTypes.toName(ptype) as GactRandom['type'],
  oneIn: pval,
  then: controlOf(paction),
})

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
