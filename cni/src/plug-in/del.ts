import type { Network } from '../network/network-config.js'
import type { Attachment } from '../spec/request.js'
import { canBe, isolatorId, trialId } from './container-id.js'
import type { Isolators } from './isolators.js'

/** Takes a container away; one that is not there is gone already. */
export async function del(
  attachment: Attachment,
  network: Network,
  isolators: Isolators,
): Promise<undefined> {
  const id = isolatorId(network, attachment)
  await isolators.remove([id, trialId(id)].filter(canBe))
}
