import { DumpTooLargeError } from '../../netlink/errors.js'
import type { Address, Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Inet6Problem } from './inet6-problems.js'
import { isDuplicate } from './inet6-shared.js'
import { MOST_LISTED } from './other-routes.js'

/** The IPv6 addresses of a host. */
export interface ListedAddresses6 {
  /** Those of the public interface, in the kernel's order. */
  readonly there: readonly Address[]
  /**
   * Those of all other interfaces, sorted: a router would lead what goes there back to the host, past what a container may reach of
   * it. Not link-local ones, which are nobody's beyond their link, nor `::1`.
   */
  readonly elsewhere: readonly string[]
  readonly problems: readonly Inet6Problem[]
}

/** Lists a host's IPv6 addresses. Of a host that has too many, those of the public interface alone. */
export async function listAddresses6(rt: RtnetlinkSocket, { index }: Link): Promise<ListedAddresses6> {
  try {
    const all = await rt.addresses.list({ family: 'inet6' }, { maxMessages: MOST_LISTED })
    const elsewhere = all.filter(
      ({ ifindex, scope, ...found }) =>
        ifindex !== index && scope !== 'link' && scope !== 'host' && !isDuplicate(found),
    )
    return {
      there: all.filter(({ ifindex }) => ifindex === index),
      elsewhere: elsewhere.map(({ address }) => address).sort(),
      problems: [],
    }
  } catch (error) {
    if (!(error instanceof DumpTooLargeError)) throw error
    const found = `the host has more than ${MOST_LISTED} IPv6 addresses`
    const problem: Inet6Problem = {
      object: 'ip -6 address show',
      found: `${found}, and containers reach those of other interfaces if a router leads there`,
      settledBy: { option: 'ipv6', expected: 'false' },
      refusal: { option: 'ipv6', found, expected: 'false on such a host' },
    }
    return {
      there: await rt.addresses.list({ dev: index, family: 'inet6' }),
      elsewhere: [],
      problems: [problem],
    }
  }
}
