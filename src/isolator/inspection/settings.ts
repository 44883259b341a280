import { isDeepStrictEqual } from 'node:util'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, parseU32Handle, type Filter, type U32Key } from '../../tc/index.js'
import type { Program } from '../../tc/classic-bpf/program.js'
import { publicFlows, publicHook, type Holdings } from '../host/holdings.js'
import { lookUp } from '../kernel/look-up.js'
import { isRoot } from '../layout/filter-places.js'
import { linkName, PRIORITY, TABLE, tableHandle } from '../layout/layout.js'
import { allPorts, type ContainerFacts } from '../plan/facts.js'
import { local } from '../programs/local.js'
import type { SharedInet6 } from '../programs/shared-inet6.js'
import { wire } from '../programs/wire.js'
import type { InspectedSettings } from './inspection.js'

/** The host's side of the settings. */
export function hostSettings(holdings: Holdings): InspectedSettings {
  const { record } = holdings
  const { filters = [] } = publicHook(holdings) ?? {}
  const flows = publicFlows(holdings)
  const [replies] = arpRoots(filters)
  return {
    ...(replies && { neighbours: replies.keys.some(isSender) ? 'gateway' : 'prefix' }),
    ...(filters.length > 0 && { fragments: filters.some(isLaterFragments) ? 'allow' : 'drop' }),
    ...(flows && { egressFlowClassifierParent: String(flows.parent) }),
    reservedPorts: record?.reserved.toJSON() ?? [],
    ...(record?.backlog !== undefined && { backlogBefore: record.backlog }),
    ...(record && { loopbackMtuBefore: record.mtu }),
  }
}

/** Offsets in an ARP packet: the words of the sender's address. */
const SENDER_IP: readonly number[] = [12, 16]

const isSender = ({ at }: U32Key): boolean => SENDER_IP.includes(at)

/** The ARP filters of the public interface, in order: of replies, and of the gateway's gratuitous ARP. */
function arpRoots(filters: readonly Filter[]): { keys: readonly U32Key[] }[] {
  const roots = filters.flatMap(found =>
    found.kind === 'u32' && found.priority === PRIORITY.arp && isRoot(found)
      ? [{ node: parseU32Handle(found.handle) & 0xfff, keys: found.keys?.flat() ?? [] }]
      : [],
  )
  return roots.sort((a, b) => a.node - b.node)
}

const isLaterFragments = (found: Filter): boolean =>
  found.kind === 'u32' &&
  found.priority === PRIORITY.steering &&
  found.handle === tableHandle(TABLE.laterFragments)

/**
 * What the guard of a container lets through. The programs are compared with those that each policy makes.
 *
 * @param host what they were made for
 */
export async function guardSettings(
  rt: RtnetlinkSocket,
  host: {
    readonly address: string
    readonly hostAddresses: readonly string[]
    readonly mac: string
    readonly fragments: 'drop' | 'allow'
    readonly inet6: SharedInet6 | undefined
  },
  container: ContainerFacts,
): Promise<Pick<InspectedSettings, 'multicast' | 'hostAccess'>> {
  const dev = linkName(container.slot)
  const place = { dev, parent: 'ingress', priority: PRIORITY.allow, protocol: 'all', kind: 'bpf' } as const
  const found = await lookUp(rt, filter, [
    { ...place, handle: 1 },
    { ...place, handle: 2 },
  ])
  const [localProgram, wireProgram] = found.map(filter =>
    filter?.kind === 'bpf' ? filter.program : undefined,
  )
  const options = { ...host, ports: allPorts(container) }
  const multicast = (['drop', 'allow'] as const).find(policy =>
    isDeepStrictEqual(wireProgram, wire({ ...options, multicast: policy })),
  )
  return { ...(multicast && { multicast }), ...hostAccessOf(localProgram, local(options)) }
}

/** A restriction adds instructions to the program that allows every port. */
function hostAccessOf(program: Program | undefined, open: Program): Pick<InspectedSettings, 'hostAccess'> {
  if (isDeepStrictEqual(program, open)) return { hostAccess: 'allow' }
  return program && program.length > open.length ? { hostAccess: 'restricted' } : {}
}
