import { address, route, type Address, type AddressKey, type AddressSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { inet6Differences } from '../container/inet6-inside.js'
import type { Inet6Facts } from '../plan/facts.js'
import { isLinkLocal, LINK_LOCAL_PREFIX } from '../plan/inet6.js'
import { plan, planAdd, planDelete, type Planned } from '../plan/planned.js'
import type { Fault } from './difference.js'

/** What of a container's IPv6 addresses and of its routes from us is not as planned: a container can change them, at its own expense. */
export async function inet6Faults(
  rt: RtnetlinkSocket,
  dev: string,
  inet6: Inet6Facts,
  signal: AbortSignal,
): Promise<Fault[]> {
  const { addresses, otherwise, surplusAddresses, routes, surplusRoutes } = await inet6Differences(
    rt,
    dev,
    inet6,
    { signal },
  )
  return [
    ...surplusAddresses.map(found => surplus(address.command('add', found), removal(found))),
    ...otherwise.map(({ wanted, found }) => inAnotherState(wanted, found)),
    ...addresses.map(({ wanted, found }) => {
      const added = planAdd(address, wanted)
      return found ? inAnotherPlace(added, found) : missing(added, [...generated(wanted), added])
    }),
    ...routes.map(spec => missing(plan(route, 'add', spec), [plan(route, 'replace', spec)])),
    ...surplusRoutes.map(found => surplus(route.command('add', found), planDelete(route, found))),
  ]
}

const removal = ({ dev, address: found, prefixLength }: AddressKey): Planned =>
  planDelete(address, { dev, address: found, prefixLength })

/** Where IPv6 was off, the kernel makes a link-local address itself when it is turned on, perhaps the same with its own prefix. */
const generated = (wanted: AddressSpec): Planned[] =>
  isLinkLocal(wanted.address) ? [removal({ ...wanted, prefixLength: LINK_LOCAL_PREFIX })] : []

/** With another prefix, or in another order. */
const inAnotherPlace = (added: Planned, found: Address): Fault => ({
  difference: {
    kind: 'different',
    object: added.command(),
    found: `${address.command('add', found)} # containers prefer the one that is added last`,
    foreign: false,
  },
  mend: [removal(found), added],
})

/** Deprecated, or not any more: it changes in its place. */
const inAnotherState = (wanted: AddressSpec, found: Address | undefined): Fault => ({
  difference: {
    kind: 'different',
    object: address.command('replace', wanted),
    ...(found && { found: address.command('add', found) }),
    foreign: false,
  },
  mend: [plan(address, 'replace', wanted)],
})

const missing = (planned: Planned, mend: readonly Planned[]): Fault => ({
  difference: { kind: 'missing', object: planned.command(), foreign: false },
  mend,
})

const surplus = (object: string, mend: Planned): Fault => ({
  difference: { kind: 'surplus', object, foreign: false },
  mend: [mend],
})
