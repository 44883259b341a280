import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import type { Server } from 'node:http'
import { listenOnSocket } from 'rtnetlink-cni/http'

const OWNER_AND_GROUP = 0o660

/** Listens on a unix socket that root may open, and the group if one is named. */
export async function listenForGroup(server: Server, path: string, group: string | undefined): Promise<void> {
  const gid = group === undefined ? undefined : gidOf(group)
  await listenOnSocket(server, path)
  if (gid === undefined) return
  chownSync(path, 0, gid)
  chmodSync(path, OWNER_AND_GROUP)
}

function gidOf(group: string): number {
  if (/^\d+$/.test(group)) return Number(group)
  const { stdout } = spawnSync('getent', ['group', group], { encoding: 'utf8' })
  const gid = stdout?.split(':')[2]
  if (gid === undefined) throw new Error(`--socket_group: there is no group '${group}'`)
  return Number(gid)
}
