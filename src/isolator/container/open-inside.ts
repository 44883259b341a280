import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'

/**
 * Opens a socket inside a namespace that is to be a container's, and looks whether it can be one. Whoever gets the socket
 * closes it soon: it keeps the namespace alive, and has a thread.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where lo has an ingress qdisc
 */
export async function openInside(netns: NetworkNamespace): Promise<RtnetlinkSocket> {
  const rt = await RtnetlinkSocket.open({ netns })
  try {
    if (await hasIngress(rt)) throw foreignIngress(netns)
    return rt
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
