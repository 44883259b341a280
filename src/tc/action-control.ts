import { absent, either, object, presence, whole, type Declaration } from '../input/index.js'
import { nameOrNumber, namedNumbers } from '../netlink/codec/named.js'

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
  | keyof typeof verdicts.numbers
  | { goto: number; jump?: undefined }
  | { jump: number; goto?: undefined }
  | number

const extendedValue = whole(0, TC_ACT_EXT_VAL_MASK)

/** A verdict that a caller names. */
export const actionControlInput: Declaration<ActionControl> = either(
  nameOrNumber(verdicts, -0x8000_0000, 0x7fff_ffff),
  presence(
    'goto',
    object({ goto: extendedValue, jump: absent }),
    object({ jump: extendedValue, goto: absent }),
  ),
)

/** The number in the `action` member of an action's parameters. */
export function controlNumber(control: ActionControl): number {
  if (typeof control !== 'object') return verdicts.toNumber(control)
  return control.goto !== undefined ? TC_ACT_GOTO_CHAIN | control.goto : TC_ACT_JUMP | control.jump
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
  return control.goto !== undefined ? ['goto', 'chain', `${control.goto}`] : ['jump', `${control.jump}`]
}
