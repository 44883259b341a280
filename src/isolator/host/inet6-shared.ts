import { address as addressType, route, type Address, type Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { lookUp } from '../kernel/look-up.js'
import type { Inet6Options } from '../options/inet6-options.js'
import type { Inet6Facts, SharedAddress6 } from '../plan/facts.js'
import { FAR_AWAY6 } from '../plan/inet6.js'
import type { Inet6Problem } from './inet6-problems.js'

type Flagged = Pick<Address, 'flags'>

/** Whether another machine on the link has an address too: the host has found that, and does not use it. */
export const isDuplicate = ({ flags }: Flagged): boolean => flags.includes('dadfailed')

/** Whether the host looks for duplicates of an address, and does not use it yet. */
export const isPending = (found: Flagged): boolean => found.flags.includes('tentative') && !isDuplicate(found)

/** Whether an address is the host's by now. */
export const isInUse = (found: Flagged): boolean => !isPending(found) && !isDuplicate(found)

/** The kernel has one flag for temporary addresses of IPv6 and secondary ones of IPv4. */
const isTemporary = ({ flags }: Flagged): boolean => flags.includes('secondary')

const isDeprecated = ({ flags }: Flagged): boolean => flags.includes('deprecated')

/** The shared addresses, and what is to be said of them. */
interface Shared6 {
  readonly addresses: readonly SharedAddress6[]
  readonly problems: readonly Inet6Problem[]
}

/**
 * Which of the addresses of the public interface containers are to share: those that are named, or the global ones that stay, first
 * the one that the host itself would send from.
 *
 * One that becomes deprecated stays as long as the host has it, as its connections do on the host. One that is named, and the last
 * one of others, stays although the host has lost it. One that another machine has too is shared by nobody.
 */
export async function sharedAddresses6(
  rt: RtnetlinkSocket,
  { name: dev, up }: Link,
  there: readonly Address[],
  { addresses: named }: Inet6Options,
  former: Pick<Inet6Facts, 'addresses'> | undefined,
): Promise<Shared6> {
  const before = new Map(former?.addresses.map(each => [each.address, each]))
  const global = there.filter(({ scope }) => scope === 'global')
  const byName = new Map(global.map(found => [found.address, found]))
  const inUse = (found: Address): SharedAddress6[] => {
    const earlier = before.get(found.address)
    if (isPending(found)) return earlier && !earlier.lost ? [earlier] : []
    return isDuplicate(found) ? [] : [sharedAs(found)]
  }
  const kept = ({ lost: _lost, ...each }: SharedAddress6): SharedAddress6[] => {
    const found = byName.get(each.address)
    if (found && isDuplicate(found)) return []
    const [now] = found ? inUse(found) : []
    return [now ?? { ...each, lost: true }]
  }
  const settled = (addresses: readonly SharedAddress6[]): Shared6 => {
    const problems = [...duplicates(dev, global, named), ...losses(dev, addresses, named)]
    return { addresses, problems: addresses.length > 0 || problems.length > 0 ? problems : [noneLeft(dev)] }
  }
  if (named)
    return settled(named.flatMap(address => kept(before.get(address) ?? { address, prefixLength: 128 })))
  const now = global.filter(found => stays(found, before)).flatMap(inUse)
  // While the interface is down the kernel takes addresses away that may come back.
  if (former && (!up || now.length === 0)) return settled(former.addresses.flatMap(kept))
  return settled(await inOrder(rt, now, former))
}

const sharedAs = (found: Address): SharedAddress6 => ({
  address: found.address,
  prefixLength: found.prefixLength,
  ...(isDeprecated(found) && { deprecated: true }),
})

/** Whether containers may rely on an address, or have begun to. */
const stays = (found: Address, before: ReadonlyMap<string, SharedAddress6>): boolean =>
  !isTemporary(found) && (!isDeprecated(found) || before.has(found.address))

/** First the one that the host sends from, by its routes; without a route the one that was first before. */
async function inOrder(
  rt: RtnetlinkSocket,
  addresses: readonly SharedAddress6[],
  former: Pick<Inet6Facts, 'addresses'> | undefined,
): Promise<SharedAddress6[]> {
  const [wayOut] = await lookUp(rt, route, [{ destination: FAR_AWAY6 }])
  const first = wayOut?.preferredSource ?? former?.addresses[0]?.address
  const isFirst = ({ address }: SharedAddress6): number => (address === first ? 1 : 0)
  return [...addresses].sort((a, b) => isFirst(b) - isFirst(a))
}

const additionOf = (dev: string, { address, prefixLength }: SharedAddress6): string =>
  addressType.command('add', { dev, address, prefixLength })

/** Addresses that would be shared, had another machine not got them too. */
const duplicates = (
  dev: string,
  global: readonly Address[],
  named: readonly string[] | undefined,
): Inet6Problem[] =>
  global
    .filter(found => isDuplicate(found) && (named ? named.includes(found.address) : !isTemporary(found)))
    .map(found => ({
      object: additionOf(dev, sharedAs(found)),
      found:
        `another machine on the link has ${found.address} too, as the host has found out (dadfailed): containers do not share it. ` +
        `Take it from one of them, then delete it from ${dev} and add it again`,
    }))

/** Another machine has taken the last one, and it has been deleted here since. */
const noneLeft = (dev: string): Inet6Problem => ({
  object: `ip -6 address show dev ${dev}`,
  found: `${dev} has no global IPv6 address, and containers have none. Give it one, which they take then`,
})

const losses = (
  dev: string,
  addresses: readonly SharedAddress6[],
  named: readonly string[] | undefined,
): Inet6Problem[] =>
  addresses
    .filter(({ lost }) => lost)
    .map(each => ({
      object: additionOf(dev, each),
      found:
        `${dev} has lost ${each.address}, which containers share: nothing from the wire reaches them by it. Give it back to ${dev}, or ` +
        (named ? "leave it out of 'addresses6'" : 'give it another global address, which they take instead'),
    }))
