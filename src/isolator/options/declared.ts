import {
  argumentsRefusedAs,
  either,
  faultText,
  instanceOf,
  iterable,
  list,
  scalar,
  text,
  textThat,
  whole,
  type Declaration,
} from '../../input/index.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { isIpv4 } from '../../netlink/codec/ip-version.js'
import { IsolatorError } from '../isolator-error.js'
import { PortRanges, type PortRange, type PortRangesInput } from '../ports/port-ranges.js'
import { sizeOf, type SizeInput } from './sizes.js'

/** Declares what a public function of the isolator takes. Faults are IsolatorErrors ERR_INVALID_OPTION. */
export const isolatorArgument = argumentsRefusedAs((_text, fault, { name }) => {
  // Of an element of a list, the list is named as well: `containers[1].port`.
  const path = /^(\[|$)/.test(fault.path) ? `${name}${fault.path}` : fault.path
  return new IsolatorError('ERR_INVALID_OPTION', faultText({ ...fault, path }, name), {
    details: { option: path, value: fault.value },
  })
})

/** dev_valid_name, net/core/dev.c */
export const interfaceName = textThat(
  'the name of an interface, 1 to 15 characters without space, colon and slash',
  given => /^[^\s/:]{1,15}$/.test(given) && given !== '.' && given !== '..',
)

/**
 * A name for a container's interface. The kernel numbers names with a percent sign (__dev_alloc_name, net/core/dev.c), and
 * those of directories under net/ipv4/conf cannot be told from settings of all interfaces.
 */
export const containerInterfaceName = textThat(
  'the name of an interface, 1 to 15 printable ASCII characters without space, slash, colon and percent sign, not lo, all or default',
  given => /^[!-~]{1,15}$/.test(given) && !/[/:%]/.test(given) && !NOT_FOR_CONTAINERS.has(given),
)
const NOT_FOR_CONTAINERS: ReadonlySet<string> = new Set(['lo', 'all', 'default', '.', '..'])

export const ipv4Address = textThat("an IPv4 address such as '10.9.0.2'", isIpv4)

/** What a route leads to. The kernel refuses bits beyond the length (fib_valid_key_len, net/ipv4/fib_trie.c). */
export const ipv4Prefix = textThat("an IPv4 prefix such as '10.20.0.0/16'", isIpv4Prefix)

function isIpv4Prefix(given: string): boolean {
  const [address = '', bits = '32', ...rest] = given.split('/')
  if (rest.length > 0 || !isIpv4(address) || !/^\d{1,2}$/.test(bits)) return false
  const length = Number(bits)
  return length >= 1 && length <= 32 && ipv4ToNumber(address) % 2 ** (32 - length) === 0
}

export const pid = whole(1, 2 ** 31 - 1, 'the pid of a process')

/** Only the kind of value: what is wrong inside, `PortRanges.from` says best. */
export const portRanges: Declaration<PortRangesInput> = either(
  text("ranges such as '31000-32000,33000'"),
  instanceOf('PortRanges', () => PortRanges as never as abstract new () => PortRanges),
  iterable<PortRange | { readonly begin: number; readonly end: number }>(
    'pairs such as [[31000, 32000], [33000, 33000]]',
  ),
)

/** The longest that a timer of Node takes, seconds: 2^31 - 1 ms. */
const LONGEST = 2_147_483

/** A time, above 0 and from `least` on: seconds. */
export const secondsFrom = (least: number): Declaration<number> =>
  scalar(
    `a number of seconds, ${least > 0 ? `at least ${least}, ` : ''}at most ${LONGEST}`,
    value => typeof value === 'number' && value > 0 && value >= least && value <= LONGEST,
    undefined,
    value => (typeof value === 'number' ? 'range' : 'type'),
  )

/** A size, within bounds: bytes, or bytes per second. */
export const sizeThat = (words: string, test: (bytes: number) => boolean): Declaration<SizeInput> =>
  scalar(
    `${words}: a whole number, or text such as '37500KB' (B, KB, MB, GB or TB, KB = 1024 bytes)`,
    value => {
      const bytes = sizeOf(value)
      return bytes !== undefined && test(bytes)
    },
    undefined,
    value => (sizeOf(value) === undefined ? 'type' : 'range'),
  )

/** 1 TB/s: what HTB, a link's alias and a double all hold with room to spare. */
const MAXIMUM_RATE = 10 ** 12

/** Bytes per second that a container may be limited to. */
export const rate = sizeThat(
  'more than 0 and less than 10^12 bytes per second',
  bytes => bytes >= 1 && bytes < MAXIMUM_RATE,
)

/** Likewise, or 0 for no such limit. */
export const rateOrNone = sizeThat(
  'less than 10^12 bytes per second, 0 for no such limit',
  bytes => bytes < MAXIMUM_RATE,
)

/** CPUs come in fractions. */
export const cpus: Declaration<number> = scalar(
  'a number above 0',
  value => typeof value === 'number' && value > 0 && value < Infinity,
  undefined,
  value => (typeof value === 'number' ? 'range' : 'type'),
)

// Half a surrogate pair would come back from the kernel as another id.
// eslint-disable-next-line no-control-regex -- control characters would garble the alias in every listing
const ID = /^[^\s/\u0000-\u001f\u007f\p{Surrogate}]+$/u

/** A container's id: what names it in a link's alias, beside its ephemeral range. */
export const containerId: Declaration<string> = scalar(
  '1 to 200 bytes without space, slash and control characters',
  value => typeof value === 'string' && ID.test(value) && Buffer.byteLength(value) <= 200,
)

/** Several of them. */
export const containerIds = list(containerId, 'a list of ids')
