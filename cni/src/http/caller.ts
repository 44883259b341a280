import { readlinkSync } from 'node:fs'
import type { Socket } from 'node:net'
import { peerCredentials } from 'rtnetlink'

/**
 * Whether a process is in the network namespace of this one, the host's. Every other namespace can be a container's, whatever is
 * known of the containers. A process that has ended, or cannot be looked at, is not on the host.
 */
export function isOnHost(pid: number): boolean {
  const namespace = namespaceOf(String(pid))
  return namespace !== undefined && namespace === namespaceOf('self')
}

/** The process at the other end of a unix socket; 0 where it is gone, or is in a pid namespace of its own. */
export function pidOf(socket: Socket): number {
  try {
    return peerCredentials(socket).pid
  } catch {
    return 0
  }
}

/** Undefined for a process that has ended, a zombie too. */
function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}
