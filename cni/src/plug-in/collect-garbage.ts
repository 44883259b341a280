import { readNetwork, validAttachments } from '../network/network-config.js'
import { isOf, isolatorId } from './container-id.js'
import type { Isolators } from './isolators.js'

/** Takes away what is of this network and not among the attachments that its runtime knows. */
export async function collectGarbage(input: string, isolators: Isolators): Promise<undefined> {
  const network = readNetwork(input)
  const valid = new Set(
    validAttachments(input).map(({ containerID, ifname }) =>
      isolatorId(network, { containerId: containerID, ifname }),
    ),
  )
  const all = await isolators.ids()
  await isolators.remove(all.filter(id => isOf(network, id) && !valid.has(id)))
}
