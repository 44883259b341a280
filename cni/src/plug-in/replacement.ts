import {
  IsolatorError,
  PortMappingIsolator,
  PortRanges,
  type ContainerInfo,
  type IsolateOptions,
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
 * have, or that the network does not give out any more. What `isolate` refuses, it refuses here, but for a socket of the host on a port
 * that the old one has. That no ephemeral range is free is no refusal: the old one has a range.
 */
async function tryOut(
  isolator: PortMappingIsolator,
  isolators: Isolators,
  id: string,
  { managed, ...options }: AddedOptions,
): Promise<void> {
  const { containers } = await PortMappingIsolator.inspect()
  const old = PortRanges.from(containers.find(container => container.id === id)?.ports ?? [])
  const had = old.intersect(PortRanges.from(managed))
  const ports = PortRanges.from(options.ports ?? []).subtract(had)
  const trial = trialId(id)
  try {
    await isolator.isolate(trial, { ...options, ports })
  } catch (error) {
    if (error instanceof IsolatorError && error.code === 'ERR_PORTS_EXHAUSTED') return
    throw refusalOfSecondNetwork(error, id)
  }
  await isolators.remove([trial])
}
