import type { NetworkNamespace } from '../netns/network-namespace.js'
import type { PortRanges } from './port-ranges.js'

export async function refusePortsInUse(_netns: NetworkNamespace, _id: string, _ports: PortRanges): Promise<void> {
  return Promise.resolve()
}
