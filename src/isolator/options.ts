import { isIpv4 } from '../netlink/codec/ip-version.js'
import { NetworkNamespace, type NetnsReference } from '../netns/network-namespace.js'
import { IsolatorError } from './isolator-error.js'
import { PortRanges, type PortRangesInput } from './port-ranges.js'

/** What `PortMappingIsolator.create` takes. Mesos's flags keep their names in camelCase, the two interfaces apart. */
export interface PortMappingIsolatorOptions {
  /** The network namespace of the host side: open, a path, a name in /run/netns, or a pid. Default: the caller's. */
  netns?: NetnsReference | undefined
  /** The interface whose address containers share (Mesos `eth0_name`). Default: that of the default route. */
  publicInterface?: string | undefined
  /** The host's loopback interface (Mesos `lo_name`). Default `'lo'`. */
  loopbackInterface?: string | undefined
  /** The shared IPv4 address. Default: the first global one of the public interface. */
  address?: string | undefined
  /** Non-ephemeral ports that containers may be given (Mesos resource `ports`). Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
  /** Ports that are cut into one ephemeral range per container (Mesos resource `ephemeral_ports`). Ends are inclusive. */
  ephemeralPorts: PortRangesInput
  /**
   * Size of a container's ephemeral range, at least 8. Default 1024. A power of two is cheapest: 1024 ports then cost
   * one set of filters, other numbers up to 14 more.
   */
  ephemeralPortsPerContainer?: number | undefined
  /**
   * What a container has on-link: `'prefix'` (default) the host's own prefix, as transparent as in Mesos; `'gateway'`
   * only the gateway, so that no container can fill the kernel's neighbour table.
   */
  neighbours?: 'prefix' | 'gateway' | undefined
}

/** What a container is given. */
export interface IsolateOptions {
  /** Its network namespace: open, a path, a name in /run/netns, or the pid of a process in it. Not the host's. */
  netns: NetnsReference
  /** Its non-ephemeral ports, out of the isolator's `ports`. Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
}

/** The options with defaults filled in, of the right types. */
export interface IsolatorOptions {
  readonly netns: NetnsReference | undefined
  readonly publicInterface: string | undefined
  readonly loopbackInterface: string
  readonly address: string | undefined
  readonly ports: PortRanges
  readonly ephemeralPorts: PortRanges
  readonly ephemeralPortsPerContainer: number
  readonly neighbours: 'prefix' | 'gateway'
}

type Check = (value: unknown, option: string) => void

type Checks<Options> = Readonly<Record<keyof Options, Check>>

const ISOLATOR_CHECKS: Checks<PortMappingIsolatorOptions> = {
  netns: isNetns,
  publicInterface: isInterfaceName,
  loopbackInterface: isInterfaceName,
  address: isAddress,
  ports: () => undefined,
  ephemeralPorts: () => undefined,
  ephemeralPortsPerContainer: isNumber,
  neighbours: oneOf('prefix', 'gateway'),
}

const ISOLATE_CHECKS: Checks<IsolateOptions> = {
  netns: isNetns,
  ports: () => undefined,
}

/**
 * Checks the options one by one and fills in defaults. What needs to know the host, such as overlaps with its ephemeral
 * range, is checked by `checkPortPlan`.
 *
 * @throws IsolatorError ERR_INVALID_OPTION, naming the option, for a value of the wrong type and for unknown names
 */
export function parseOptions(options: PortMappingIsolatorOptions): IsolatorOptions {
  checkEach(options, ISOLATOR_CHECKS)
  if (options.ephemeralPorts === undefined)
    throw refuse('ephemeralPorts', undefined, "ranges such as '32768-57344'")
  return {
    netns: options.netns,
    publicInterface: options.publicInterface,
    loopbackInterface: options.loopbackInterface ?? 'lo',
    address: options.address,
    ports: options.ports === undefined ? PortRanges.empty : PortRanges.from(options.ports, 'ports'),
    ephemeralPorts: PortRanges.from(options.ephemeralPorts, 'ephemeralPorts'),
    ephemeralPortsPerContainer: options.ephemeralPortsPerContainer ?? 1024,
    neighbours: options.neighbours ?? 'prefix',
  }
}

/**
 * Checks what `isolate` is given, likewise.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function checkIsolateOptions(options: IsolateOptions): IsolateOptions {
  checkEach(options, ISOLATE_CHECKS)
  isNetns(options.netns, 'netns')
  return options
}

function checkEach<Options extends object>(options: Options, checks: Checks<Options>): void {
  if (typeof options !== 'object' || (options as Options | null) === null)
    throw refuse('options', options, 'an object')
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, option))
      throw refuse(option, value, `one of ${Object.keys(checks).join(', ')}`, 'unknown option')
    if (value !== undefined) checks[option as keyof Options](value, option)
  }
}

function isNetns(value: unknown, option: string): void {
  const reference =
    value instanceof NetworkNamespace || typeof value === 'number' || typeof value === 'string'
  if (!reference || value === '')
    throw refuse(option, value, 'a NetworkNamespace, a path, a name in /run/netns or a pid')
}

/** dev_valid_name, net/core/dev.c */
function isInterfaceName(value: unknown, option: string): void {
  if (typeof value === 'string' && /^[^\s/:]{1,15}$/.test(value) && value !== '.' && value !== '..') return
  throw refuse(option, value, 'the name of an interface, 1 to 15 characters without space, colon and slash')
}

function isAddress(value: unknown, option: string): void {
  if (typeof value !== 'string' || !isIpv4(value))
    throw refuse(option, value, "an IPv4 address such as '10.9.0.2'")
}

function isNumber(value: unknown, option: string): void {
  if (typeof value !== 'number') throw refuse(option, value, 'a number')
}

function oneOf(...words: readonly string[]): Check {
  return (value, option) => {
    if (!words.includes(value as string))
      throw refuse(option, value, words.map(word => `'${word}'`).join(' or '))
  }
}

/** The error of a malformed option or argument. */
export function refuse(option: string, value: unknown, expected: string, problem?: string): IsolatorError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  return new IsolatorError(
    'ERR_INVALID_OPTION',
    `${problem ?? `${option} is ${shown}`}: ${problem ? `'${option}', ` : ''}expected ${expected}`,
    {
      details: { option, value },
    },
  )
}

// eslint-disable-next-line no-control-regex -- control characters would garble the alias in every listing
const ID = /^[^\s/\u0000-\u001f\u007f]+$/

/** Checks a container's id: what names it in a link's alias, beside its ephemeral range. */
export function checkId(id: unknown): asserts id is string {
  const plain = typeof id === 'string' && ID.test(id) && Buffer.byteLength(id) <= 200
  if (!plain) throw refuse('id', id, '1 to 200 bytes without space, slash and control characters')
}
