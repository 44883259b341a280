import { either, numberOf, oneOf, textThat, type Declaration } from '../input/index.js'
import { joinHexFields } from './hex-fields.js'

/**
 * The handle of a qdisc or the id of a class: `'major:minor'` in hexadecimal as `tc` writes it (`'1:'`, `'1:10'`,
 * `'ffff:'`), or the 32-bit number.
 */
export type Handle = string | number

/**
 * What a qdisc, class or filter hangs on: a handle, `'root'`, or for filters one of the two hooks of an ingress or
 * clsact qdisc. `'ingress'` is ffff:fff2, which is right under both qdiscs.
 */
export type Parent = 'root' | 'ingress' | 'egress' | AnyString | number

/** Every string, but not one that swallows the literals beside it, which editors offer. */
type AnyString = string & Record<never, never>

// linux/pkt_sched.h
export const TC_H_ROOT = 0xffffffff
export const TC_H_INGRESS = 0xfffffff1
export const TC_H_CLSACT = TC_H_INGRESS
export const TC_H_MIN_INGRESS = 0xfff2
export const TC_H_MIN_EGRESS = 0xfff3

const MAJOR_MINOR = [16, 16] as const

const INGRESS_HOOK = 0xffff0000 + TC_H_MIN_INGRESS
const EGRESS_HOOK = 0xffff0000 + TC_H_MIN_EGRESS

/** A handle that a caller names. What its parts have to be depends on the place. */
export const handleInput: Declaration<Handle> = either(
  textThat("a handle such as '1:10'", text => joinHexFields(text, MAJOR_MINOR) !== undefined),
  numberOf('its 32-bit number'),
)

export const parentInput: Declaration<Parent> = either(oneOf('root', 'ingress', 'egress'), handleInput)

/** The number of a handle. Throws TypeError or RangeError on what is none. */
export function parseHandle(handle: Handle): number {
  if (typeof handle === 'number') return wholeHandle(handle)
  const value = joinHexFields(handle, MAJOR_MINOR)
  if (value === undefined)
    throw new TypeError(`'${handle}' is not a handle: expected major:minor in hex, such as '1:10'`)
  return value
}

/** The number of a qdisc's handle, whose minor part is 0: `'1:'`. */
export function parseQdiscHandle(handle: Handle): number {
  const value = parseHandle(handle)
  if ((value & 0xffff) !== 0)
    throw new RangeError(`${formatHandle(value)} is not the handle of a qdisc: its minor part is not 0`)
  return value
}

/** The number of a class id, which has both parts. */
export function parseClassid(classid: Handle): number {
  const value = parseHandle(classid)
  if (value === 0 || value === TC_H_ROOT)
    throw new RangeError(`'${classid}' is not a class id: expected major:minor, such as '1:10'`)
  return value
}

/** The number of a parent. Throws TypeError or RangeError on what is none, on 0 and on undefined in particular. */
export function parseParent(parent: Parent): number {
  // The kernel takes 0 for "the root qdisc, whichever it is": a filter meant for elsewhere would see all traffic.
  const handle = (parent as Parent | undefined) === undefined ? 0 : parentNumber(parent)
  if (handle !== 0) return handle
  throw new TypeError(`parent is ${parent}: expected 'root', 'ingress', 'egress' or a handle such as '1:'`)
}

/** The same where 0 is allowed: a list of the filters of `'0:'`, the handle of a default qdisc, is empty. */
export function parentNumber(parent: Parent): number {
  switch (parent) {
    case 'ingress':
      return INGRESS_HOOK
    case 'egress':
      return EGRESS_HOOK
    case 'root':
      return TC_H_ROOT
    default:
      return parseHandle(parent)
  }
}

/** `'1:'`, `'1:10'`, `'0:'`, as `tc` prints them. */
export function formatHandle(handle: number): string {
  const minor = handle & 0xffff
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`
}

export function formatParent(parent: number): string {
  switch (parent) {
    case INGRESS_HOOK:
      return 'ingress'
    case EGRESS_HOOK:
      return 'egress'
    case TC_H_ROOT:
      return 'root'
    default:
      return formatHandle(parent)
  }
}

/** The words for a parent on the command line of `tc`: `root`, `ingress`, `parent 1:`. */
export function parentWords(parent: Parent): string[] {
  const text = formatParent(parseParent(parent))
  return text.includes(':') ? ['parent', text] : [text]
}

function wholeHandle(handle: number): number {
  if (!Number.isInteger(handle) || handle < 0 || handle > 0xffffffff) {
    throw new RangeError(`${handle} is not a handle: expected a whole number of 32 bits`)
  }
  return handle
}
