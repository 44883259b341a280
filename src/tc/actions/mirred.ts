import { argument, object, oneOf, optional, type Declaration, type InputOf } from '../../input/index.js'
import { attributes, s32, struct, u32, type Infer, type InferInput } from '../../netlink/codec/index.js'
import { deviceIndex, deviceInput, deviceName, type Device } from '../../netlink/devices.js'
import {
  actionControlInput,
  controlNumber,
  controlOf,
  controlWords,
  type ActionControl,
} from '../action-control.js'
import { deviceWord } from '../../netlink/device-word.js'
import type { ActionKind } from './action-kind.js'
import { tcfT, tcGen } from './generic.js'

/** struct tc_mirred, linux/tc_act/tc_mirred.h */
export const tcMirred = struct({ ...tcGen, eaction: s32, ifindex: u32 })

/** TCA_MIRRED_*, linux/tc_act/tc_mirred.h */
export const mirredAttributes = attributes({
  tm: ['TCA_MIRRED_TM', 1, tcfT],
  parms: ['TCA_MIRRED_PARMS', 2, tcMirred],
})

/** TCA_EGRESS_REDIR to TCA_INGRESS_MIRROR, linux/tc_act/tc_mirred.h */
const EACTIONS = { egress: { redirect: 1, mirror: 2 }, ingress: { redirect: 3, mirror: 4 } } as const

const direction = oneOf('egress', 'ingress')

const action = object({
  kind: oneOf('mirred'),
  /** `redirect` takes the packet, `mirror` sends a copy. */
  operation: oneOf('redirect', 'mirror'),
  /** `egress`: as if the device sent it. `ingress`: as if it had arrived there. Default `egress`. */
  direction: optional(direction),
  /**
   * Where to. What is listed has `'*'`, as in `tc`, where the device is gone: such a redirect swallows packets, such a
   * mirror does nothing.
   */
  dev: deviceInput,
  /** Default `stolen` for a redirect, `pipe` for a mirror. `tc` knows no other for a redirect. */
  then: optional(actionControlInput),
})

/** Sends the packet, or a copy of it, to another device. */
export interface MirredAction extends InputOf<typeof action> {}
export const mirredInput: Declaration<MirredAction> = action

/** `mirred` (net/sched/act_mirred.c). */
export const mirredKind: ActionKind<
  MirredAction,
  Infer<typeof mirredAttributes>,
  InferInput<typeof mirredAttributes>
> = {
  codec: mirredAttributes,
  toWire: (action, devices) => ({
    parms: {
      action: controlNumber(action.then ?? defaultControl(action)),
      eaction: eactionOf(action),
      ifindex: deviceIndex(devices, action.dev),
    },
  }),
  fromWire: ({ parms }, devices) => ({
    kind: 'mirred',
    operation: isMirror(parms?.eaction) ? 'mirror' : 'redirect',
    direction: isIngress(parms?.eaction) ? 'ingress' : 'egress',
    dev: parms?.ifindex ? deviceName(devices, parms.ifindex) : NO_DEVICE,
    then: controlOf(parms?.action ?? 0),
  }),
  words: ({ operation, direction = 'egress', dev, then }) => [
    ...[direction, operation, 'dev', deviceWord(dev)],
    ...(operation === 'redirect' || then === undefined || then === 'pipe' ? [] : controlWords(then)),
  ],
}

const NO_DEVICE = '*'

const isMirror = (eaction: number | undefined): boolean =>
  eaction === EACTIONS.egress.mirror || eaction === EACTIONS.ingress.mirror
const isIngress = (eaction: number | undefined): boolean =>
  eaction === EACTIONS.ingress.redirect || eaction === EACTIONS.ingress.mirror

const defaultControl = ({ operation }: MirredAction): ActionControl =>
  operation === 'redirect' ? 'stolen' : 'pipe'

const eactionOf = ({ operation, direction = 'egress' }: MirredAction): number =>
  EACTIONS[direction][operation]

const redirectOptions = object({
  /** Default `egress`. */
  direction: optional(direction),
})
export interface RedirectOptions extends InputOf<typeof redirectOptions> {}

const mirrorOptions = object(
  {
    /** Default `pipe`: the next action. `continue` goes on to the next filter. */
    then: optional(actionControlInput),
  },
  redirectOptions,
)
/** Where mirred sends packets, and what happens to them after. */
export interface MirredOptions extends RedirectOptions, InputOf<typeof mirrorOptions> {}

const checkRedirect = argument('mirred.redirect', 'options', optional(redirectOptions))
const checkMirror = argument('mirred.mirror', 'options', optional(mirrorOptions))

/** Makes actions that send packets to another device: `actions: [mirred.redirect('veth1')]`. */
export const mirred = {
  /** Takes the packet and sends it out of `dev`, or lets it arrive there. */
  redirect(dev: Device, options?: RedirectOptions): MirredAction {
    checkRedirect(options)
    return { kind: 'mirred', operation: 'redirect', direction: options?.direction, dev }
  },
  /** Sends a copy of the packet to `dev`. */
  mirror(dev: Device, options?: MirredOptions): MirredAction {
    checkMirror(options)
    const { direction, then } = options ?? {}
    return { kind: 'mirred', operation: 'mirror', direction, dev, then }
  },
}
