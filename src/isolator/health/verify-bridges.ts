import { link, type AnyLinkSpec } from '../../rtnetlink/index.js'
import { bridgeName } from '../layout/layout.js'
import { bridgePlan, bridgeSettings, isOurBridge } from '../plan/bridge.js'
import type { HostFacts } from '../plan/facts.js'
import type { Planned } from '../plan/planned.js'
import { compareAll } from './compare.js'
import { foreign, type Fault } from './difference.js'
import type { Snapshot } from './snapshot.js'

/** How the bridges of these slots differ from the plan. Whether a device is in its bridge belongs to its container. */
export async function bridgeFaults(
  { bridged, ipv6 }: HostFacts,
  slots: readonly number[],
  snapshot: Snapshot,
): Promise<Fault[]> {
  const names = bridged ? [...new Set(slots.map(bridgeName))] : []
  const faults = await Promise.all(names.map(name => faultsOf(name, ipv6, snapshot)))
  return faults.flat()
}

/** What is to be known of the bridge of a slot. */
export const bridgeSide = ({ bridged, ipv6 }: HostFacts, slot: number): Planned[] =>
  bridged ? [bridgeSettings(bridgeName(slot), { ipv6 })] : []

async function faultsOf(name: string, ipv6: boolean, snapshot: Snapshot): Promise<Fault[]> {
  const found = snapshot.link(name)
  const plan = bridgePlan(name, { ipv6 })
  const object = plan.map(message => message.command()).join(' && ')
  if (!found) return [{ difference: { kind: 'missing', object, foreign: false }, mend: plan }]
  // A bridge of ours has its own MTU, that of the smallest port.
  if (isOurBridge(found))
    return compareAll([bridgeSettings(name, { ipv6: found.inet6 !== undefined })], snapshot)
  const { kind, arp, multicast } = found
  return [foreign('different', object, link.command('add', { name, kind, arp, multicast } as AnyLinkSpec))]
}
