import { IsolatorError } from '../isolator-error.js'
import { PortRanges } from '../ports/port-ranges.js'

/**
 * What `create()` found on the host and changed: noted in the loopback's alias before the first change, so that
 * `destroy()` can restore it after any crash. Members that were not changed are absent.
 */
export interface HostRecord {
  /** MTU of the loopback interface. */
  readonly mtu: number
  /** If it was down: `'bare'` if it had no IPv4 address either, of which the kernel gives it one with the first time up. */
  readonly down?: 'down' | 'bare' | undefined
  /** Its IPv6 addresses, `::1/128`, which an MTU below 1280 takes away: as many as there is room for. */
  readonly inet6?: readonly string[] | undefined
  /** Its sysctls under net.ipv4.conf. */
  readonly sysctls: Readonly<Record<string, number>>
  /** The interfaces whose ingress qdisc is ours to delete. */
  readonly qdiscs: readonly string[]
  /** What was added to net.ipv4.ip_local_reserved_ports. */
  readonly reserved: PortRanges
  /** What net.core.netdev_max_backlog was before it was raised. */
  readonly backlog?: number | undefined
}

/** What an alias of ours begins with. */
const SIGNATURE = 'rtnetlink:'
/** IFALIASZ without the final NUL, linux/if.h */
const LONGEST_ALIAS = 255

/** Between interfaces: a character that no name of one has. */
const AND = '/'

/** `rtnetlink: mtu=65536 qdiscs=eth0/lo accept_local=0 …` */
export function formatHostRecord({
  mtu,
  qdiscs,
  sysctls,
  reserved,
  backlog,
  down,
  inet6 = [],
}: HostRecord): string {
  const words = Object.entries(sysctls).map(([name, value]) => `${name}=${value}`)
  if (down !== undefined) words.unshift(`was=${down}`)
  if (backlog !== undefined) words.unshift(`backlog=${backlog}`)
  if (reserved.size > 0) words.unshift(`reserved=${reserved}`)
  const alias = [SIGNATURE, `mtu=${mtu}`, `qdiscs=${qdiscs.join(AND)}`, ...words].join(' ')
  if (Buffer.byteLength(alias) <= LONGEST_ALIAS) return withAddresses(alias, inet6)
  throw new IsolatorError(
    'ERR_INVALID_OPTION',
    `what reserveHostPorts adds, ${reserved}, is too long to be noted in an alias of ${LONGEST_ALIAS} bytes: use fewer ranges`,
    { details: { option: 'reserveHostPorts', value: reserved.toString() } },
  )
}

/** Addresses come last, and only as many as fit: they are lost in the rare case alone. */
function withAddresses(alias: string, addresses: readonly string[]): string {
  for (let count = addresses.length; count > 0; count--) {
    const longer = `${alias} inet6=${addresses.slice(0, count).join(',')}`
    if (Buffer.byteLength(longer) <= LONGEST_ALIAS) return longer
  }
  return alias
}

/**
 * Reads a record back; undefined where the alias is empty.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE for an alias that somebody else has set
 */
export function parseHostRecord(alias: string | undefined, dev: string): HostRecord | undefined {
  if (!alias) return undefined
  const [signature, ...words] = alias.split(' ')
  const values = new Map(words.map(nameAndValue))
  const { mtu, qdiscs, reserved = '', backlog, was, inet6, ...sysctls } = Object.fromEntries(values)
  if (signature !== SIGNATURE || mtu === undefined || qdiscs === undefined) {
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${dev} has the alias '${alias}', where this isolator notes what to restore: clear it with ip link set dev ${dev} alias ''`,
      { details: { dev, alias } },
    )
  }
  return {
    mtu: Number(mtu),
    qdiscs: qdiscs === '' ? [] : qdiscs.split(AND),
    reserved: PortRanges.from(reserved),
    ...(backlog !== undefined && { backlog: Number(backlog) }),
    ...((was === 'down' || was === 'bare') && { down: was }),
    ...(inet6 !== undefined && { inet6: inet6.split(',') }),
    sysctls: Object.fromEntries(Object.entries(sysctls).map(([name, value]) => [name, Number(value)])),
  }
}

/** A word of a record; the name of an interface may have an equals sign as well. */
function nameAndValue(word: string): [name: string, value: string] {
  const [name = '', ...rest] = word.split('=')
  return [name, rest.join('=')]
}

/** Whether an alias is one of ours. */
export const isHostRecord = (alias: string): boolean => alias.startsWith(SIGNATURE)
