import { createHash } from 'node:crypto'
import type { Network } from '../network/network-config.js'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Attachment } from '../spec/request.js'

/** What the isolator takes at most. */
const LONGEST = 200

type Named = Pick<Attachment, 'containerId' | 'ifname'>

/**
 * The id that the isolator has a container by: that of the runtime, behind the network's name, so that a GC of one network knows
 * which containers are its own; and before the interface's where that is another than eth0, so that the DEL of a second
 * attachment, which there cannot be, does not take the first one away. No colon is in any of the three.
 */
export const isolatorId = ({ name }: Pick<Network, 'name'>, { containerId, ifname }: Named): string =>
  [name, containerId, ...(ifname === 'eth0' ? [] : [ifname])].join(':')

/** Whether the isolator can have a container of this id. */
export const canBe = (id: string): boolean => Buffer.byteLength(id) <= LONGEST

/**
 * The id of the container that is made to see whether the one of this id can be replaced. A call that is killed can leave it. Two colons
 * follow each other in no container's id, since neither the runtime's id nor an interface's name is empty.
 */
export function trialId(id: string): string {
  const readable = `${id}::new`
  if (canBe(readable)) return readable
  const [network] = id.split(':')
  return `${network}::${createHash('sha256').update(id).digest('hex')}`.slice(0, LONGEST)
}

/** The id of a container that is to be. @throws CniError 4 for one that is too long */
export function newIsolatorId(network: Pick<Network, 'name'>, attachment: Named): string {
  const id = isolatorId(network, attachment)
  if (canBe(id)) return id
  throw new CniError(
    CODE.invalidEnvironment,
    `CNI_CONTAINERID is too long: '${id}', with the network's name, has more than ${LONGEST} bytes`,
  )
}

/** Whether a container of the isolator is of this network. */
export const isOf = ({ name }: Pick<Network, 'name'>, id: string): boolean => id.startsWith(`${name}:`)
