import { readdirSync, readlinkSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { peerCredentials, type ContainerInfo } from 'rtnetlink'

/** What is known of a container's whereabouts. */
export type Placed = Pick<ContainerInfo, 'link' | 'held'>

/** The path of the namespace that the isolator keeps for a container. */
const handleOf = (link: string): string => `/run/netns/${link}`

/**
 * The processes in the namespaces of containers, by link: whatever they did to their names, parents and sessions, that
 * is where they are.
 */
export function processesInside(links: readonly string[]): Map<string, number[]> {
  const found = new Map(links.map(link => [link, [] as number[]]))
  const linkOf = new Map(links.map(link => [identityOf(link), link]))
  for (const name of readdirSync('/proc')) {
    const link = /^\d+$/.test(name) ? linkOf.get(namespaceOf(name)) : undefined
    if (link !== undefined) found.get(link)?.push(Number(name))
  }
  return found
}

/**
 * Whether a process is in the namespace of a container; one that has ended, or cannot be looked at, counts as such. Where a container has a
 * namespace that no name holds, every namespace but this one can be that.
 */
export function isInside(pid: number, containers: readonly Placed[]): boolean {
  const namespace = namespaceOf(String(pid))
  if (namespace === '') return true
  // The usual case: nothing is to be looked up for a caller on the host.
  if (namespace === namespaceOf('self')) return false
  return containers.some(({ link, held }) => !held || identityOf(link) === namespace)
}

/** The process at the other end of a unix socket; 0 where it is gone, or is in a pid namespace of its own. */
export function pidOf(socket: Socket): number {
  try {
    return peerCredentials(socket).pid
  } catch {
    return 0
  }
}

/** What /proc/<pid>/ns/net points at, for the namespace behind a handle. Undefined where the handle is gone. */
function identityOf(link: string): string | undefined {
  const stats = statSync(handleOf(link), { throwIfNoEntry: false })
  return stats && `net:[${stats.ino}]`
}

/** '' for a process that has ended, a zombie too. */
function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}
