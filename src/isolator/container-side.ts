import type { NetworkNamespace } from '../netns/network-namespace.js'
import type { Link } from '../rtnetlink/index.js'
import { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { IsolatorError } from './isolator-error.js'

/** A socket inside a namespace that is to be a container's. */
export interface ContainerSide {
  readonly rt: RtnetlinkSocket
  /** As it was before. */
  readonly lo: Link
}

/**
 * Opens the socket, and looks at what is there. Whoever gets it closes it soon: it keeps the namespace alive, and has a thread.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where lo has an ingress qdisc
 */
export async function openContainerSide(netns: NetworkNamespace): Promise<ContainerSide> {
  const rt = await RtnetlinkSocket.open({ netns })
  try {
    const [lo, ingress] = await Promise.all([rt.links.get('lo'), hasIngress(rt)])
    if (ingress) throw foreignIngress(netns)
    return { rt, lo }
  } catch (error) {
    rt.close()
    throw error
  }
}

async function hasIngress(rt: RtnetlinkSocket): Promise<boolean> {
  const qdiscs = await rt.qdiscs.list({ dev: 'lo' })
  return qdiscs.some(({ kind }) => kind === 'ingress' || kind === 'clsact')
}

const foreignIngress = ({ name }: NetworkNamespace): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `lo in the namespace to be isolated${name === undefined ? '' : `, '${name}',`} has an ingress qdisc already: delete it there with tc qdisc del dev lo ingress`,
    { details: { dev: 'lo' } },
  )
