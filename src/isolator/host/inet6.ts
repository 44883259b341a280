import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Address, Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { sleep } from '../kernel/sleep.js'
import { MOST_SHARED_ADDRESSES, type Inet6Options } from '../options/inet6-options.js'
import { refuse } from '../options/option-checks.js'
import type { Inet6Facts } from '../plan/facts.js'
import { inet6Of } from '../plan/host.js'
import { addressesOf } from '../plan/inet6.js'
import type { HostContext } from './context.js'
import { ourFilters } from './filters.js'
import { listAddresses6 } from './inet6-listed.js'
import { settleInet6Problems, warnOfInet6, type Inet6Problem } from './inet6-problems.js'
import { findGateways, toldByRouters, type FoundRouters } from './inet6-routers.js'
import { isInUse, isPending, sharedAddresses6 } from './inet6-shared.js'

/** How many addresses of the host programs know: each is 18 instructions of one, and 12 of another. */
const MOST_ADDRESSES = 64

/** How long the host may look for duplicates of its addresses, and ms between two looks at them. A second is the kernel's default. */
const DETECTION_MS = 3000
const PAUSE_MS = 100

/** What containers are to have of the host's IPv6. */
export interface HostInet6 {
  readonly inet6: Inet6Facts
  /** What they do not get of it, or have lost. */
  readonly problems: readonly Inet6Problem[]
}

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
  link: Link,
  options: Inet6Options,
): Promise<Inet6Facts | undefined> {
  const { name: dev } = link
  const { wanted, addresses: named } = options
  if (wanted === false) return undefined
  await settledAddresses(rt, dev)
  // The routers are those that the host has now.
  const earlier = inet6Of(await ourFilters(rt, dev))
  const former = earlier && { ...earlier, gateways: [] }
  const { inet6, problems } = await findInet6(rt, netns, link, options, former)
  const has = await namesOf(rt, dev)
  for (const [i, address] of (named ?? []).entries())
    if (!inet6.addresses.some(shared => shared.address === address && !shared.lost))
      throw refuse(
        `addresses6[${i}]`,
        address,
        `a global IPv6 address of ${dev} that is in use, it has ${has}`,
      )
  if (inet6.addresses.every(({ lost }) => lost)) {
    if (wanted !== 'auto')
      throw refuse(
        'ipv6',
        wanted,
        `a global IPv6 address of ${dev} that is neither temporary nor deprecated, it has ${has}`,
      )
    if (!earlier) return undefined
    warnOfInet6({
      found: `${dev} has no IPv6 address to share now, and containers keep ${addressesOf(inet6).join(', ') || 'none'}`,
      settledBy: { option: 'addresses6', expected: 'others, when it has them' },
    })
  } else settleInet6Problems(problems, wanted)
  if (inet6.gateways.length === 0 && options.gateway === undefined)
    warnOfInet6({
      found: `the host has no IPv6 default route by a router through ${dev}, and containers get none`,
      settledBy: { option: 'gateway6', expected: "the IPv6 address of a router or 'none'" },
    })
  return inet6
}

/** Waits until the host has looked for duplicates of all addresses of the public interface, or has had its time to. */
async function settledAddresses(rt: RtnetlinkSocket, dev: string): Promise<void> {
  const deadline = performance.now() + DETECTION_MS
  while ((await rt.addresses.list({ dev, family: 'inet6' })).some(isPending) && performance.now() < deadline)
    await sleep(PAUSE_MS)
}

async function namesOf(rt: RtnetlinkSocket, dev: string): Promise<string> {
  const there = await rt.addresses.list({ dev, family: 'inet6' })
  return there.map(({ address }) => address).join(', ') || 'none'
}

/**
 * Finds what containers are to share of the host's IPv6 as it is now.
 *
 * While the public interface is down containers keep what they had: the kernel takes its addresses and routes away, which may come
 * back. So do they when the host has no address to share any more, or no default router, until it has another one.
 *
 * @param former what they have shared until now; undefined: nothing
 */
export async function findInet6(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  link: Link,
  options: Inet6Options,
  former: Inet6Facts | undefined,
): Promise<HostInet6> {
  const { name: dev, mtu, up } = link
  const listed = await listAddresses6(rt, link)
  const { addresses, problems } = await sharedAddresses6(rt, link, listed.there, options, former)
  const shared = atMost(MOST_SHARED_ADDRESSES, addresses, {
    option: 'addresses6',
    has: `${dev} has ${addresses.length} IPv6 addresses to share`,
    verb: 'share',
  })
  const linkLocal = linkLocalOf(listed.there, up, former)
  const own = [...addressesOf({ addresses: shared.first }), ...(linkLocal === undefined ? [] : [linkLocal])]
  const others = listed.there.filter(isInUse).map(({ address }) => address)
  const all = [...new Set([...own, ...others, ...listed.elsewhere])]
  const known = atMost(MOST_ADDRESSES, all, {
    option: 'ipv6',
    has: `the host has ${all.length} IPv6 addresses`,
    verb: 'are kept from',
  })
  const routers = await routersOf(rt, link, options, former)
  return {
    inet6: {
      addresses: shared.first,
      linkLocal,
      notShared: known.first.slice(own.length),
      gateways: routers.gateways,
      neighbours: options.neighbours,
      ...(former && !up
        ? former.metrics && { metrics: former.metrics }
        : await toldByRouters(netns, dev, mtu)),
    },
    problems: [...problems, ...shared.problems, ...listed.problems, ...known.problems, ...routers.problems],
  }
}

/** The host's link-local address. That of before stays while the host has none, or looks for duplicates of it, as its interface comes and goes. */
function linkLocalOf(
  there: readonly Address[],
  up: boolean,
  former: Inet6Facts | undefined,
): string | undefined {
  const onLink = there.filter(({ scope }) => scope === 'link')
  const found = onLink.find(isInUse)?.address
  return found ?? (!up || onLink.some(isPending) ? former?.linkLocal : undefined)
}

async function routersOf(
  rt: RtnetlinkSocket,
  { name: dev, up }: Link,
  { gateway }: Inet6Options,
  former: Inet6Facts | undefined,
): Promise<FoundRouters> {
  if (gateway !== undefined) return { gateways: gateway === 'none' ? [] : [gateway], problems: [] }
  const found = await findGateways(rt, dev)
  return !former || (up && found.gateways.length > 0) ? found : { ...found, gateways: former.gateways }
}

/** No more than programs and containers can have, in their order. */
function atMost<T>(
  most: number,
  all: readonly T[],
  {
    option,
    has,
    verb,
  }: {
    readonly option: 'ipv6' | 'addresses6'
    readonly has: string
    readonly verb: 'share' | 'are kept from'
  },
): { readonly first: readonly T[]; readonly problems: readonly Inet6Problem[] } {
  if (all.length <= most) return { first: all, problems: [] }
  const problem: Inet6Problem = {
    object: 'ip -6 address show',
    found: `${has}, of which containers ${verb} the first ${most}`,
    settledBy: {
      option: 'addresses6',
      expected: `a list of those that are shared, ${MOST_SHARED_ADDRESSES} at most`,
    },
    refusal: { option, found: has, expected: `${most} at most` },
  }
  return { first: all.slice(0, most), problems: [problem] }
}

/**
 * Finds what containers are to share by now; undefined where they have no IPv6.
 *
 * @param link the public interface
 */
export async function findInet6Now(host: HostContext, link: Link): Promise<HostInet6 | undefined> {
  const { rt, netns, inet6, facts } = host
  return facts.inet6 && findInet6(rt, netns, link, inet6, facts.inet6)
}
