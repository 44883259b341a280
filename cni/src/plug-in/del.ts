import type { Network } from '../network/network-config.js'
import type { Attachment } from '../spec/request.js'
import { canBe, isolatorId } from './container-id.js'
import type { Isolators } from './isolators.js'

/** Takes a container away; one that is not there is gone already. */
export async function del(
  attachment: Attachment,
  network: Network,
  isolators: Isolators,
): Promise<undefined> {
  const id = isolatorId(network, attachment)
  if (canBe(id)) await isolators.remove([id])
}
