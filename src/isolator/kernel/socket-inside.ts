import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'

/** Runs `use` with a socket inside the namespace, which is closed afterwards. */
export async function withSocketInside<T>(
  netns: NetworkNamespace | string,
  use: (rt: RtnetlinkSocket) => Promise<T>,
): Promise<T> {
  const rt = await RtnetlinkSocket.open({ netns })
  try {
    return await use(rt)
  } finally {
    rt.close()
  }
}
