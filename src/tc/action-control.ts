import { namedNumbers } from '../netlink/codec/named.js'
import { wholeNumber } from './whole-number.js'

/** TC_ACT_*, linux/pkt_cls.h, under the names of `tc`. */
const verdicts = namedNumbers('verdict', {
  continue: -1,
  pass: 0,
  reclassify: 1,
  drop: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  redirect: 7,
  trap: 8,
})

/** TC_ACT_JUMP and TC_ACT_GOTO_CHAIN, linux/pkt_cls.h: an opcode in the highest 4 bits, a value in the others. */
const TC_ACT_JUMP = 0x1000_0000
const TC_ACT_GOTO_CHAIN = 0x2000_0000
const TC_ACT_EXT_VAL_MASK = 0x0fff_ffff

/**
 * What happens to a packet after an action: `pass` accepts it, `drop` drops it, `pipe` goes on to the next action,
 * `continue` to the next filter, `reclassify` starts over with the first filter, `stolen` means that the action has
 * taken the packet. `goto` continues with a chain, `jump` skips actions.
 */
export type ActionControl =
  keyof typeof verdicts.numbers | { readonly goto: number } | { readonly jump: number } | number

/** The number in the `action` member of an action's parameters. */
export function controlNumber(control: ActionControl): number {
  if (typeof control !== 'object') return verdicts.toNumber(control)
  return 'goto' in control
    ? TC_ACT_GOTO_CHAIN | wholeNumber('goto', control.goto, 0, TC_ACT_EXT_VAL_MASK)
    : TC_ACT_JUMP | wholeNumber('jump', control.jump, 0, TC_ACT_EXT_VAL_MASK)
}

export function controlOf(number: number): ActionControl {
  const value = number & TC_ACT_EXT_VAL_MASK
  if (number - value === TC_ACT_GOTO_CHAIN) return { goto: value }
  if (number - value === TC_ACT_JUMP) return { jump: value }
  return verdicts.toName(number)
}

/** `drop`, `goto chain 3`, as `tc` reads them. */
export function controlWords(control: ActionControl): string[] {
  if (typeof control !== 'object') return [`${control}`]
  return 'goto' in control ? ['goto', 'chain', `${control.goto}`] : ['jump', `${control.jump}`]
}
