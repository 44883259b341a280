import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { DumpTooLargeError } from '../../netlink/errors.js'
import { route, type Address, type AddressFlag, type Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { lookUp } from '../kernel/look-up.js'
import { sleep } from '../kernel/sleep.js'
import { MOST_SHARED_ADDRESSES, type Inet6Options } from '../options/inet6-options.js'
import { refuse } from '../options/option-checks.js'
import type { Inet6Facts } from '../plan/facts.js'
import { inet6Of } from '../plan/host.js'
import { addressesOf, FAR_AWAY6 } from '../plan/inet6.js'
import { ourFilters } from './filters.js'
import { defaultGateways, toldByRouters } from './inet6-routers.js'
import { MOST_LISTED } from './other-routes.js'
import { warnOf } from './routes.js'

/** Flags of addresses that nobody should rely on: they are not the host's yet, or not for long. The first is `temporary` of IPv6. */
const FLEETING: readonly AddressFlag[] = ['secondary', 'deprecated', 'tentative', 'dadfailed']

/** How many addresses of the host programs know: each is 18 instructions of one, and 12 of another. */
const MOST_ADDRESSES = 64

/** How long the host may look for duplicates of its addresses, and ms between two looks at them. A second is the kernel's default. */
const DETECTION_MS = 3000
const PAUSE_MS = 100

/**
 * Reads what containers share of the host's IPv6, changing nothing. Waits while the host looks for duplicates of an address.
 *
 * @returns undefined where IPv6 is not wanted, or is wanted `'auto'`, the public interface has no address to share, and no earlier
 *   run has shared any
 * @throws IsolatorError ERR_INVALID_OPTION where it is wanted and there is none, or an address that was named is not there
 */
export async function readInet6(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  { name: dev, mtu, inet6 }: Link,
  options: Inet6Options,
): Promise<Inet6Facts | undefined> {
  const { wanted, addresses: named, gateway, neighbours } = options
  if (wanted === false) return undefined
  const there = inet6 === undefined ? [] : await settledAddresses(rt, dev)
  const shared = named
    ? named.map((address, i) => namedAddress(there, address, i, dev))
    : atMost(MOST_SHARED_ADDRESSES, await defaultAddresses(rt, there), wanted, {
        option: 'addresses6',
        has: `${dev} has`,
        what: 'IPv6 addresses to share',
      })
  if (shared.length === 0) {
    if (wanted === 'auto') return await sharedBefore(rt, dev)
    throw refuse(
      'ipv6',
      wanted,
      `a global IPv6 address of ${dev} that is neither temporary nor deprecated, it has ${words(there)}`,
    )
  }
  const linkLocal = there.find(found => found.scope === 'link' && isUsable(found))?.address
  const own = [...shared.map(({ address }) => address), ...(linkLocal === undefined ? [] : [linkLocal])]
  const all = new Set([
    ...own,
    ...there.map(({ address }) => address),
    ...(await addressesElsewhere(rt, wanted)),
  ])
  const known = atMost(MOST_ADDRESSES, [...all], wanted, {
    option: 'ipv6',
    has: 'the host has',
    what: 'IPv6 addresses',
  })
  return {
    addresses: shared.map(({ address, prefixLength }) => ({ address, prefixLength })),
    linkLocal,
    notShared: known.slice(own.length),
    gateways: gateway === undefined ? await defaultGateways(rt, dev) : gateway === 'none' ? [] : [gateway],
    neighbours,
    ...(await toldByRouters(netns, dev, mtu)),
  }
}

const words = (addresses: readonly Address[]): string =>
  addresses.map(({ address }) => address).join(', ') || 'none'

/** The addresses of the public interface, when the host has looked for duplicates of all, or has had its time to. */
async function settledAddresses(rt: RtnetlinkSocket, dev: string): Promise<Address[]> {
  const deadline = performance.now() + DETECTION_MS
  for (;;) {
    const there = await rt.addresses.list({ dev, family: 'inet6' })
    const isPending = ({ flags }: Address): boolean =>
      flags.includes('tentative') && !flags.includes('dadfailed')
    if (!there.some(isPending) || performance.now() > deadline) return there
    await sleep(PAUSE_MS)
  }
}

/** What an earlier run has shared: containers may use it, and the host may have its addresses again. */
async function sharedBefore(rt: RtnetlinkSocket, dev: string): Promise<Inet6Facts | undefined> {
  const before = inet6Of(await ourFilters(rt, dev))
  if (before)
    warnOf({
      option: 'addresses6',
      found: `${dev} has no IPv6 address to share now, and containers keep ${addressesOf(before).join(', ')}`,
      expected: 'others, when it has them',
    })
  return before
}

/**
 * No more than programs and containers can have, in their order. With `'auto'` the rest is left out with a warning.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for `true`
 */
function atMost<T>(
  most: number,
  found: readonly T[],
  wanted: boolean | 'auto',
  {
    option,
    has,
    what,
  }: { readonly option: 'ipv6' | 'addresses6'; readonly has: string; readonly what: string },
): readonly T[] {
  if (found.length <= most) return found
  const problem = `${has} ${found.length} ${what}`
  if (wanted !== 'auto') throw refuse(option, undefined, `${most} at most`, problem)
  warnOf({
    option: 'addresses6',
    found: `${problem}, of which containers ${option === 'ipv6' ? 'are kept from' : 'share'} the first ${most}`,
    expected: `a list of those that are shared, ${MOST_SHARED_ADDRESSES} at most`,
  })
  return found.slice(0, most)
}

/**
 * Those that the host has on any interface: a router would lead what goes there back to it, past what a container may reach of its
 * host. Not link-local ones, which are nobody's beyond their link, nor `::1`.
 */
async function addressesElsewhere(rt: RtnetlinkSocket, wanted: boolean | 'auto'): Promise<string[]> {
  try {
    const listed = await rt.addresses.list({ family: 'inet6' }, { maxMessages: MOST_LISTED })
    const routed = listed.filter(({ scope }) => scope !== 'link' && scope !== 'host')
    return routed.map(({ address }) => address).sort()
  } catch (error) {
    if (!(error instanceof DumpTooLargeError)) throw error
    const problem = `the host has more than ${MOST_LISTED} IPv6 addresses`
    if (wanted !== 'auto') throw refuse('ipv6', undefined, 'false on such a host', problem)
    warnOf({
      option: 'ipv6',
      found: `${problem}, and containers reach those of other interfaces if a router leads there`,
      expected: 'false',
    })
    return []
  }
}

const isUsable = ({ flags }: Address): boolean => !flags.includes('tentative') && !flags.includes('dadfailed')

function namedAddress(there: readonly Address[], wanted: string, i: number, dev: string): Address {
  const found = there.find(({ address, scope }) => address === wanted && scope === 'global')
  if (found && isUsable(found)) return found
  throw refuse(
    `addresses6[${i}]`,
    wanted,
    `a global IPv6 address of ${dev} that is in use, it has ${words(there)}`,
  )
}

/** Those that stay, first the one that the host itself would send from. */
async function defaultAddresses(rt: RtnetlinkSocket, there: readonly Address[]): Promise<Address[]> {
  const stable = there.filter(
    ({ scope, flags }) => scope === 'global' && !FLEETING.some(flag => flags.includes(flag)),
  )
  const [wayOut] = await lookUp(rt, route, [{ destination: FAR_AWAY6 }])
  const isPreferred = ({ address }: Address): number => (address === wayOut?.preferredSource ? 1 : 0)
  return stable.sort((a, b) => isPreferred(b) - isPreferred(a))
}
