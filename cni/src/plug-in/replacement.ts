import {
  IsolatorError,
  PortMappingIsolator,
  PortRanges,
  type ContainerInfo,
  type IsolateOptions,
  type PortRange,
  type PortRangesInput,
} from 'rtnetlink'
import { trialId } from './container-id.js'
import type { Isolators } from './isolators.js'
import { refusalOfSecondNetwork } from './second-network.js'

/** What a container is given, and the ports that the network gives out. */
export interface AddedOptions extends IsolateOptions {
  readonly managed: PortRangesInput
}

/**
 * Makes a container. One of the same id in another namespace is what a crash has left, and is replaced: it goes once a container like
 * the new one could be made beside it, so that a call that is refused leaves it as it was.
 *
 * @throws IsolatorError as `isolate`; CniError 107 for a container in a second network
 */
export async function isolateAnew(
  isolator: PortMappingIsolator,
  isolators: Isolators,
  id: string,
  added: AddedOptions,
): Promise<ContainerInfo> {
  const { managed: _managed, ...options } = added
  try {
    return await isolator.isolate(id, options)
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    const trial = trialId(id)
    const { isElsewhere, id: holder } = error.details
    if (isElsewhere === true) {
      await isolators.remove([trial])
      await tryOut(isolator, isolators, id, added)
      await isolators.remove([id])
    } else if (holder === trial) await isolators.remove([trial])
    else throw refusalOfSecondNetwork(error, id)
    return isolator.isolate(id, options)
  }
}

/**
 * Makes the container beside the one whose place it is to take: under another id, and with those ports that the old one does not
 * have, or that the network does not give out any more. Of those that it has, sockets of the host are looked for. What `isolate`
 * refuses, it refuses here. That no ephemeral range is free is no refusal: the old one has a range.
 */
async function tryOut(
  isolator: PortMappingIsolator,
  isolators: Isolators,
  id: string,
  { managed, ...options }: AddedOptions,
): Promise<void> {
  const old = PortRanges.from((await portsOf(isolator, id)) ?? [])
  const had = old.intersect(PortRanges.from(managed))
  const asked = PortRanges.from(options.ports ?? [])
  await isolator.refuseHostSockets(id, asked.intersect(had))
  const ports = asked.subtract(had)
  const trial = trialId(id)
  try {
    await isolator.isolate(trial, { ...options, ports })
  } catch (error) {
    if (error instanceof IsolatorError && error.code === 'ERR_PORTS_EXHAUSTED') return
    throw refusalOfSecondNetwork(error, id)
  }
  await isolators.remove([trial])
}

/** An isolator of one call does not know the container: nothing was recovered. */
async function portsOf(isolator: PortMappingIsolator, id: string): Promise<readonly PortRange[] | undefined> {
  const known = isolator.get(id)
  if (known) return known.ports
  const { containers } = await PortMappingIsolator.inspect()
  return containers.find(container => container.id === id)?.ports
}
