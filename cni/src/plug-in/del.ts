import type { Network } from '../network/network-config.js'
import type { Attachment } from '../spec/request.js'
import { isolatorId } from './container-id.js'
import type { Isolators } from './isolators.js'

/** Takes a container away; one that is not there is gone already. */
export async function del(
  attachment: Attachment,
  network: Network,
  isolators: Isolators,
): Promise<undefined> {
  await isolators.remove([isolatorId(network, attachment)])
}
