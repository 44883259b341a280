import type { Network } from '../network/network-config.js'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Attachment } from '../spec/request.js'

/** What the isolator takes at most. */
const LONGEST = 200

/**
 * The id that the isolator has a container by: that of the runtime, behind the network's name, so that a GC of one network knows
 * which containers are its own; and before the interface's where that is another than eth0, so that the DEL of a second
 * attachment, which there cannot be, does not take the first one away. No colon is in any of the three.
 *
 * @throws CniError 4 for one that is too long
 */
export function isolatorId(
  { name }: Pick<Network, 'name'>,
  { containerId, ifname }: Pick<Attachment, 'containerId' | 'ifname'>,
): string {
  const id = [name, containerId, ...(ifname === 'eth0' ? [] : [ifname])].join(':')
  if (Buffer.byteLength(id) <= LONGEST) return id
  throw new CniError(
    CODE.invalidEnvironment,
    `CNI_CONTAINERID is too long: '${id}', with the network's name, has more than ${LONGEST} bytes`,
  )
}

/** Whether a container of the isolator is of this network. */
export const isOf = ({ name }: Pick<Network, 'name'>, id: string): boolean => id.startsWith(`${name}:`)
