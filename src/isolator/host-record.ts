import { IsolatorError } from './isolator-error.js'

/**
 * What `create()` found on the host and changed: noted in the loopback's alias before the first change, so that
 * `destroy()` can restore it after any crash. Members that were not changed are absent.
 */
export interface HostRecord {
  /** MTU of the loopback interface. */
  readonly mtu: number
  /** Its sysctls under net.ipv4.conf. */
  readonly sysctls: Readonly<Record<string, number>>
  /** The interfaces whose ingress qdisc is ours to delete. */
  readonly qdiscs: readonly string[]
}

/** What an alias of ours begins with. */
const SIGNATURE = 'rtnetlink:'
/** IFALIASZ without the final NUL, linux/if.h */
const LONGEST_ALIAS = 255

/** `rtnetlink: mtu=65536 qdiscs=eth0,lo accept_local=0 …` */
export function formatHostRecord({ mtu, qdiscs, sysctls }: HostRecord): string {
  const words = Object.entries(sysctls).map(([name, value]) => `${name}=${value}`)
  const alias = [SIGNATURE, `mtu=${mtu}`, `qdiscs=${qdiscs.join(',')}`, ...words].join(' ')
  if (Buffer.byteLength(alias) > LONGEST_ALIAS)
    throw new RangeError(`'${alias}' does not fit an alias of ${LONGEST_ALIAS} bytes`)
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
  const values = new Map(words.map(word => word.split('=', 2) as [string, string]))
  const { mtu, qdiscs, ...sysctls } = Object.fromEntries(values)
  if (signature !== SIGNATURE || mtu === undefined || qdiscs === undefined) {
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${dev} has the alias '${alias}', where this isolator notes what to restore: clear it with ip link set dev ${dev} alias ''`,
      { details: { dev, alias } },
    )
  }
  return {
    mtu: Number(mtu),
    qdiscs: qdiscs === '' ? [] : qdiscs.split(','),
    sysctls: Object.fromEntries(Object.entries(sysctls).map(([name, value]) => [name, Number(value)])),
  }
}
