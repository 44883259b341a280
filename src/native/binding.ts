import { openSync } from 'node:fs'
import { addon, type Addon } from './addon.js'
import { NativeSocket } from './native-socket.js'

export type { OnEvent } from './addon.js'
export type { NativeSocket } from './native-socket.js'

/** What the layers above use of the addon: netlink sockets, and what happens inside network namespaces. */
export interface NativeBinding extends Pick<Addon, 'socket' | 'files' | 'mount' | 'unmount'> {
  Socket: typeof NativeSocket

  /** As that of the addon, but the receiver of the file descriptor closes it, with `node:fs`. */
  unshareNetworkNamespace: Addon['unshareNetworkNamespace']
}

let made: NativeBinding | undefined

/**
 * The native half of the package, loaded at the first call.
 *
 * @throws an error with code `ERR_UNSUPPORTED_PLATFORM` off Linux
 */
export function binding(): NativeBinding {
  if (made) return made
  const { socket, files, mount, unmount } = addon()
  return (made = { socket, files, mount, unmount, unshareNetworkNamespace, Socket: NativeSocket })
}

/**
 * The file descriptor is opened by Node, which closes it when a worker thread ends, and warns of those it
 * does not know.
 */
function unshareNetworkNamespace(
  path: string | undefined,
  done: (error: Error | null, fd: number) => void,
): void {
  addon().unshareNetworkNamespace(path, (error, fd) => {
    let own = -1
    try {
      if (!error) own = openSync(`/proc/self/fd/${fd}`, 'r')
    } catch (failure) {
      error = failure as Error
    }
    done(error, own)
  })
}
