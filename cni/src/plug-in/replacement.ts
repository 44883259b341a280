import {
  IsolatorError,
  PortMappingIsolator,
  PortRanges,
  type ContainerInfo,
  type IsolateOptions,
} from 'rtnetlink'
import { trialId } from './container-id.js'
import type { Isolators } from './isolators.js'
import { refusalOfSecondNetwork } from './second-network.js'

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
  options: IsolateOptions,
): Promise<ContainerInfo> {
  try {
    return await isolator.isolate(id, options)
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    const trial = trialId(id)
    const { isElsewhere, id: holder } = error.details
    if (isElsewhere === true) {
      await isolators.remove([trial])
      await tryOut(isolator, isolators, id, options)
      await isolators.remove([id])
    } else if (holder === trial) await isolators.remove([trial])
    else throw refusalOfSecondNetwork(error, id)
    return isolator.isolate(id, options)
  }
}

/**
 * Makes the container beside the one whose place it is to take: under another id, and with those ports that the old one does not
 * have. Whatever `isolate` refuses, it refuses here. That no ephemeral range is free is no refusal: the old one has a range.
 */
async function tryOut(
  isolator: PortMappingIsolator,
  isolators: Isolators,
  id: string,
  options: IsolateOptions,
): Promise<void> {
  const { containers } = await PortMappingIsolator.inspect()
  const had = PortRanges.from(containers.find(container => container.id === id)?.ports ?? [])
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
