import { promises } from 'node:fs'
import type { NetnsReference } from '../../netns/network-namespace.js'
import { namedPath } from '../../netns/named.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { namedSlots } from '../container/namespace-handles.js'
import { infoOf } from '../container/info.js'
import { isDuplicate } from '../host/inet6-shared.js'
import { publicHook, readHoldings, type Holdings, type Hook } from '../host/holdings.js'
import type { HostContext } from '../host/context.js'
import { sharedAddressIn } from '../host/recognise.js'
import { openHost } from '../kernel/open-netns.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { ANSWERS, isBridgeName, linkName, MAXIMUM_SLOT } from '../layout/layout.js'
import { isOurBridge } from '../plan/bridge.js'
import { isHeld, type ContainerFacts } from '../plan/facts.js'
import { gatewayIn, hostAddressesOf } from '../plan/host.js'
import { sharedInet6 } from '../plan/inet6.js'
import { seeContainers, type SeenContainers } from '../recovery/seen.js'
import type { Survey } from '../recovery/survey.js'
import { containerProblems, halfMade } from './container-problems.js'
import { hostProblems } from './host-problems.js'
import { inspectedInet6, seenInet6 } from './inet6.js'
import type { InspectedContainer, Inspection } from './inspection.js'
import { processesIn, readProcesses, type Processes } from '../kernel/processes.js'
import { guardSettings, hostSettings } from './settings.js'

/** Reads what a host has of ours, without options, and changes nothing. */
export async function inspect(reference: NetnsReference | undefined): Promise<Inspection> {
  const netns = openHost(reference)
  let rt: RtnetlinkSocket | undefined
  try {
    // The caller's own namespace needs not be entered, for which a right would be needed.
    rt = await RtnetlinkSocket.open(reference === undefined ? {} : { netns })
    return await inspectBy({ netns, rt })
  } finally {
    await rt?.[Symbol.asyncDispose]()
    netns.close()
  }
}

async function inspectBy(host: Pick<HostContext, 'netns' | 'rt'>): Promise<Inspection> {
  const { rt } = host
  const seen = await seeContainers(host, await readHoldings(rt))
  const { holdings, listed, survey } = seen
  const wire = publicHook(holdings)
  const onWire = wire?.filters ?? []
  const address = sharedAddressIn([...onWire, ...survey.loopbackFilters])
  const { fragments = 'drop', ...settings } = hostSettings(holdings)
  const gateway = gatewayIn(onWire)
  const hostAddresses = hostAddressesOf(onWire)
  const inet6 = seenInet6(holdings)
  const mac = wire?.link.address
  const newest = listed.at(-1)
  const guard =
    address !== undefined && mac !== undefined && newest
      ? await guardSettings(rt, { address, hostAddresses, mac, fragments, inet6: sharedInet6(inet6) }, newest)
      : {}
  const processes = await readProcesses(rt)
  const prepared = isPrepared(seen)
  const seenHost = { holdings, address, fragments, inet6, addresses: await addressesOf(rt, wire) }
  return {
    prepared,
    ...(wire && { publicInterface: wire.link.name, mtu: wire.link.mtu }),
    ...(mac !== undefined && { mac }),
    ...(holdings.loopback && { loopbackInterface: holdings.loopback.name }),
    ...(address !== undefined && { address }),
    ...(gateway !== undefined && { gateway }),
    ...(inet6 && { ipv6: inspectedInet6(inet6) }),
    settings: {
      ...settings,
      ...(inet6 && { neighbours6: inet6.neighbours }),
      ...(wire && { fragments, hostAddresses }),
      ...guard,
    },
    containers: await Promise.all(listed.map(facts => inspected(facts, survey, processes))),
    freeSlots: MAXIMUM_SLOT - new Set([...survey.links.keys(), ...(await namedSlots())]).size,
    faults: [...(prepared ? hostProblems(seenHost) : leftovers(holdings)), ...containerProblems(seen)],
    halfMade: halfMade(seen),
    unreadable: processes.hidden !== undefined && listed.length > 0 ? [processes.hidden] : [],
  }
}

const isPrepared = ({ holdings: { record, hooks, links }, listed }: SeenContainers): boolean =>
  record !== undefined ||
  hooks.length > 0 ||
  listed.length > 0 ||
  links.some(({ name }) => name === ANSWERS.near)

/** Bridges that are there alone. */
const leftovers = ({ links }: Holdings): string[] =>
  links
    .filter(link => isBridgeName(link.name) && isOurBridge(link))
    .map(({ name }) => `${name} is left of an earlier run: remove() deletes it`)

async function addressesOf(rt: RtnetlinkSocket, wire: Hook | undefined): Promise<string[]> {
  if (!wire) return []
  const dev = wire.link.index
  const listed = (await unlessGone(async () => rt.addresses.list({ dev }))) ?? []
  return listed.filter(found => !isDuplicate(found)).map(({ address }) => address)
}

async function inspected(
  facts: ContainerFacts,
  { links, handles }: Survey,
  processes: Processes,
): Promise<InspectedContainer> {
  // Not by where the veth's other end is, unless nothing else leads there: root inside can move or delete that.
  const held = handles.get(facts.slot)
  const nsid = isHeld(facts) ? held?.nsid : links.get(facts.slot)?.linkNetnsid
  const { alive, pids } = processesIn(nsid, processes)
  const since = held && (await madeAt(linkName(facts.slot)))
  return {
    ...infoOf(facts),
    ...(alive !== undefined && { alive }),
    up: links.get(facts.slot)?.up ?? false,
    ...(since !== undefined && { since }),
    pids,
  }
}

/** The kernel makes the inode of a namespace when it is opened or named first, and keeps it as long as the name is there. */
async function madeAt(name: string): Promise<string | undefined> {
  const found = await unlessGone(() => promises.stat(namedPath(name)))
  return found?.mtime.toISOString()
}
