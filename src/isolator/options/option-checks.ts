import { isIpv4 } from '../../netlink/codec/ip-version.js'
import { NetworkNamespace } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'

/** Throws IsolatorError ERR_INVALID_OPTION for a value that an option cannot have. */
export type Check = (value: unknown, option: string) => void

export type Checks<Options> = Readonly<Record<keyof Options, Check>>

/** Checks each option that is given. Unknown names are refused: they are misspelt. */
export function checkEach<Options extends object>(options: Options, checks: Checks<Options>): void {
  if (typeof options !== 'object' || (options as Options | null) === null)
    throw refuse('options', options, 'an object')
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, option))
      throw refuse(option, value, `one of ${Object.keys(checks).join(', ')}`, 'unknown option')
    if (value !== undefined) checks[option as keyof Options](value, option)
  }
}

export function isNetns(value: unknown, option: string): void {
  const reference =
    value instanceof NetworkNamespace || typeof value === 'number' || typeof value === 'string'
  if (!reference || value === '')
    throw refuse(option, value, 'a NetworkNamespace, a path, a name in /run/netns or a pid')
}

/** dev_valid_name, net/core/dev.c */
export function isInterfaceName(value: unknown, option: string): void {
  if (typeof value === 'string' && /^[^\s/:]{1,15}$/.test(value) && value !== '.' && value !== '..') return
  throw refuse(option, value, 'the name of an interface, 1 to 15 characters without space, colon and slash')
}

export function isAddress(value: unknown, option: string): void {
  if (typeof value !== 'string' || !isIpv4(value))
    throw refuse(option, value, "an IPv4 address such as '10.9.0.2'")
}

export function isNumber(value: unknown, option: string): void {
  if (typeof value !== 'number') throw refuse(option, value, 'a number')
}

export function isPid(value: unknown, option: string): void {
  if (!Number.isInteger(value) || (value as number) < 1) throw refuse(option, value, 'the pid of a process')
}

export function isBoolean(value: unknown, option: string): void {
  if (typeof value !== 'boolean') throw refuse(option, value, 'true or false')
}

/** For options whose value is checked where it is read. */
export const anything: Check = () => undefined

export function oneOf(...words: readonly string[]): Check {
  return (value, option) => {
    if (!words.includes(value as string))
      throw refuse(option, value, words.map(word => `'${word}'`).join(' or '))
  }
}

/** The error of a malformed option or argument. */
export function refuse(option: string, value: unknown, expected: string, problem?: string): IsolatorError {
  const shown = typeof value === 'string' ? `'${value}'` : asText(value)
  return new IsolatorError(
    'ERR_INVALID_OPTION',
    `${problem ?? `${option} is ${shown}`}: ${problem ? `'${option}', ` : ''}expected ${expected}`,
    {
      details: { option, value },
    },
  )
}

/** An object need not have what String() calls. */
const asText = (value: unknown): string =>
  typeof value === 'object' && !Array.isArray(value) && value !== null
    ? Object.prototype.toString.call(value)
    : String(value)

// Half a surrogate pair would come back from the kernel as another id.
// eslint-disable-next-line no-control-regex -- control characters would garble the alias in every listing
const ID = /^[^\s/\u0000-\u001f\u007f\p{Surrogate}]+$/u

/** Checks a container's id: what names it in a link's alias, beside its ephemeral range. */
export function checkId(id: unknown): asserts id is string {
  const plain = typeof id === 'string' && ID.test(id) && Buffer.byteLength(id) <= 200
  if (!plain) throw refuse('id', id, '1 to 200 bytes without space, slash and control characters')
}

/** Checks a list of ids. */
export function checkIds(ids: readonly string[], option: string): void {
  if (!Array.isArray(ids)) throw refuse(option, ids, 'a list of ids')
  for (const id of ids) checkId(id)
}
