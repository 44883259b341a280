import type { Request } from '../../netlink/message.js'
import { link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { removeAll } from '../kernel/apply.js'
import { atOnce } from '../kernel/at-once.js'
import type { Container } from './table.js'
import type { HostContext } from '../host/context.js'
import { releaseHandle } from './namespace-handles.js'
import { containerLinkNames, removalPlan, waysOut } from '../plan/container.js'

/**
 * Takes containers away from the host: their nodes, their links, then the names of their namespaces. One goes in one batch.
 * With many the kernel would wait for all of its CPUs for each link that goes, 10 to 20 ms, but does so only once for links
 * that go together: they are put into a group of their own, and the group is deleted.
 */
export async function removeContainers(
  { rt, facts }: HostContext,
  containers: readonly Container[],
): Promise<void> {
  if (containers.length <= 1) {
    await removeAll(
      rt,
      containers.flatMap(container => removalPlan(facts, container)),
    )
  } else {
    await removeAll(
      rt,
      containers.flatMap(container => waysOut(facts, container)),
    )
    await removeLinks(rt, containers.flatMap(containerLinkNames))
  }
  await atOnce(containers, ({ slot, namespace }) => releaseHandle(slot, namespace))
}

async function removeLinks(rt: RtnetlinkSocket, names: readonly string[]): Promise<void> {
  const group = await unusedGroup(rt)
  const there = names.filter(name => rt.devices.interfaceIndex(name) !== 0)
  const results = await rt.batch(batch => {
    for (const dev of there) batch.links.change({ dev, group })
  })
  const error = results.find(({ error }) => error && error.code !== 'ENODEV')?.error
  if (error) throw error
  if (results.some(({ error }) => !error)) await deleteGroup(rt, group)
}

/** A number that no link has and nobody chooses by chance: whatever is in the group will be deleted. */
async function unusedGroup(rt: RtnetlinkSocket): Promise<number> {
  for (;;) {
    // Loaded here: importing node:crypto costs every program 1 MB.
    const { randomInt } = process.getBuiltinModule('node:crypto')
    const group = randomInt(2 ** 30, 2 ** 31 - 1)
    if ((await rt.links.list({ group })).length === 0) return group
  }
}

/** The verbs delete nothing by a wildcard; here it is what is wanted (rtnl_group_dellink in net/core/rtnetlink.c). */
async function deleteGroup(rt: RtnetlinkSocket, group: number): Promise<void> {
  const request: Request<never> = {
    type: link.messages.delete,
    flags: 0,
    body: { attributes: { group } } as never,
  }
  const [result] = await rt.send([request])
  if (result?.error && result.error.code !== 'ENODEV') throw result.error
}
