import { binding, type NativeSocket } from '../native/binding.js'
import { NetworkNamespace, type NetnsReference } from '../netns/network-namespace.js'

/** What the native half takes for the caller's own namespace. */
const CALLERS_NAMESPACE = -1

/**
 * Opens a socket of a netlink protocol (NETLINK_*) inside `netns`; undefined is the caller's namespace. Entering another
 * needs CAP_SYS_ADMIN. The caller may close the namespace as soon as this returns.
 *
 * @throws SystemError (`EPERM`, `ENOENT`, …); off Linux an error with code ERR_UNSUPPORTED_PLATFORM
 */
export function openTransport(protocol: number, netns?: NetnsReference): NativeSocket {
  const openIn = (fd: number): NativeSocket => new (binding().Socket)(protocol, fd)
  if (netns === undefined) return openIn(CALLERS_NAMESPACE)
  if (netns instanceof NetworkNamespace) return openIn(netns.fd)
  const opened = NetworkNamespace.open(netns)
  try {
    return openIn(opened.fd)
  } finally {
    opened.close()
  }
}
