import { link, parsePrefix, route, type Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { insideOf } from '../kernel/inside.js'
import { lookUp } from '../kernel/look-up.js'
import { interfaceOf, type ContainerFacts, type HostFacts } from '../plan/facts.js'
import { FAR_AWAY6 } from '../plan/inet6.js'
import { addressIn } from '../plan/routes.js'

/** Addresses that are read: there is one per interface, or few. */
const MOST_LISTED = 1024

/**
 * Refuses a namespace that cannot be a container's beside what is in it. Further interfaces are no obstacle, but for what
 * would be lost: a place that is taken, packets that go elsewhere, and IPv6 where containers have none of it.
 *
 * @param rt a socket inside
 * @throws IsolatorError ERR_FOREIGN_STATE, ERR_INSIDE_CONTAINER
 */
export async function refuseOthersInside(
  rt: RtnetlinkSocket,
  host: HostFacts,
  container: ContainerFacts,
): Promise<void> {
  const found = await insideOf(
    container.id,
    async () =>
      (await takenName(rt, container)) ??
      (await routeInTheWay(rt, host)) ??
      (await (host.inet6 ? defaultRoute6(rt) : lostAddress(rt))),
  )
  if (!found) return
  const { what, why, details, cause } = found
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `the namespace of '${container.id}' has ${what} already: ${why}`,
    {
      details: { id: container.id, ...details },
      ...(cause && { cause }),
    },
  )
}

/** What is in the way, and what to do. */
interface Obstacle {
  readonly what: string
  readonly why: string
  readonly details: Readonly<Record<string, unknown>>
  readonly cause?: Error | undefined
}

async function takenName(rt: RtnetlinkSocket, container: ContainerFacts): Promise<Obstacle | undefined> {
  const dev = interfaceOf(container)
  const [found] = await lookUp(rt, link, [dev])
  if (!found) return undefined
  return {
    what: `an interface ${dev}${found.kind === undefined ? '' : ` of kind ${found.kind}`}`,
    why: `rename or delete it there, or isolate with another interfaceName`,
    details: { interface: dev },
    // It can be the end of a pair of ours, which a killed program has left half made: see isInTheWay.
    cause:
      found.kind === 'veth' ? Object.assign(new Error(`${dev} is there`), { code: 'EEXIST' }) : undefined,
  }
}

/** In a namespace that nobody has configured, nothing leads anywhere. */
async function routeInTheWay(
  rt: RtnetlinkSocket,
  { address, prefixLength, neighbours, routes }: HostFacts,
): Promise<Obstacle | undefined> {
  const ask = (destination: string) => ({ destination, fibMatch: true })
  const [toSelf, ...others] = await lookUp(rt, route, [
    ask(address),
    ...routes.map(({ destination }) => ask(addressIn(destination))),
  ])
  const own = neighbours === 'gateway' ? 32 : prefixLength
  const taken =
    toSelf && lengthOf(toSelf) >= own
      ? toSelf
      : others.find((found, i) => found && found.destination === routes[i]?.destination && !found.metric)
  return (
    taken && {
      what: `the route ${wordsOf(taken)}`,
      why: `a container has its own to ${taken.destination}: delete it there`,
      details: { destination: taken.destination },
    }
  )
}

const wordsOf = ({ destination, gateway, dev }: Route): string =>
  [
    destination,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(dev === undefined ? [] : ['dev', dev]),
  ].join(' ')

const lengthOf = ({ destination }: Route): number =>
  destination === 'default' ? 0 : parsePrefix('destination', destination).length

async function lostAddress(rt: RtnetlinkSocket): Promise<Obstacle | undefined> {
  const found = await rt.addresses.list({ family: 'inet6', scope: 'global' }, { maxMessages: MOST_LISTED })
  const [first] = found.filter(({ family }) => family === 'inet6')
  return (
    first && {
      what: `the IPv6 address ${first.address} of ${first.dev}`,
      why: 'IPv6 is off in all of a container, and the address would be lost: delete it there',
      details: { address: first.address },
    }
  )
}

/** The way out of another interface would take what a container sends. */
async function defaultRoute6(rt: RtnetlinkSocket): Promise<Obstacle | undefined> {
  const [found] = await lookUp(rt, route, [{ destination: FAR_AWAY6, fibMatch: true }])
  if (!found || found.destination !== 'default' || found.dev === undefined || found.type === 'unreachable')
    return undefined
  return {
    what: `an IPv6 route ${wordsOf(found)}`,
    why: 'a container has its own to default: delete it there',
    details: { destination: found.destination },
  }
}
