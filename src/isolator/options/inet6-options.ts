import { boolean, either, list, object, oneOf, optional, textThat, type InputOf } from '../../input/index.js'
import { canonicalIpv6 } from '../../netlink/codec/addresses.js'
import { isIpv6 } from '../../netlink/codec/ip-version.js'
import { refuse } from './option-checks.js'

const ipv6Address = textThat(
  "an IPv6 address such as '2001:db8:9::2', without a zone",
  given => isIpv6(given) && !given.includes('%'),
)

export const inet6Options = object({
  /**
   * Whether containers share the host's IPv6 addresses as they share its IPv4 address: the same ports in both families. `true`, `'auto'`
   * (where the public interface has an address that can be shared) or `false` (default: IPv6 is off in containers).
   * `create()` decides that; addresses and routers that change later are followed.
   */
  ipv6: optional(either(oneOf('auto'), boolean)),
  /**
   * The shared IPv6 addresses, of those of the public interface, the preferred one first. Default: its global ones that are neither
   * temporary nor deprecated.
   */
  addresses6: optional(list(ipv6Address)),
  /**
   * Where containers send what is not on the link: the IPv6 address of a router, or `'none'` (nowhere). Default: the routers of
   * the host's default routes through the public interface, the most preferred one first.
   */
  gateway6: optional(either(oneOf('none'), ipv6Address)),
  /**
   * What a container has on-link: `'gateway'` (default) only the gateways, so that no container can fill the kernel's neighbour
   * table, or `'prefix'` the host's own prefixes.
   */
  neighbours6: optional(oneOf('prefix', 'gateway')),
})

/** How many addresses containers share at most: each is a message of `isolate()`, and 12 instructions of each program. */
export const MOST_SHARED_ADDRESSES = 16

/** What the options say of IPv6. */
export interface Inet6Options {
  readonly wanted: boolean | 'auto'
  /** Undefined: as the host has them. */
  readonly addresses: readonly string[] | undefined
  /** Undefined: as the host. */
  readonly gateway: string | undefined
  readonly neighbours: 'prefix' | 'gateway'
}

/** @throws IsolatorError ERR_INVALID_OPTION for what does not go together */
export function parseInet6Options(options: InputOf<typeof inet6Options>): Inet6Options {
  const { ipv6 = false, addresses6, gateway6, neighbours6 = 'gateway' } = options
  if (ipv6 === false)
    for (const name of ['addresses6', 'gateway6', 'neighbours6'] as const)
      if (options[name] !== undefined) throw refuse(name, options[name], "ipv6: true or 'auto' beside it")
  const addresses = addresses6?.map(canonicalIpv6)
  if (addresses) refuseUnfit(addresses)
  return {
    wanted: ipv6,
    addresses,
    gateway: gateway6 === undefined || gateway6 === 'none' ? gateway6 : canonicalIpv6(gateway6),
    neighbours: neighbours6,
  }
}

function refuseUnfit(addresses: readonly string[]): void {
  if (addresses.length === 0 || addresses.length > MOST_SHARED_ADDRESSES)
    throw refuse('addresses6', addresses, `1 to ${MOST_SHARED_ADDRESSES} addresses`)
  for (const [i, address] of addresses.entries())
    if (addresses.indexOf(address) < i) throw refuse(`addresses6[${i}]`, address, 'each address once')
}
