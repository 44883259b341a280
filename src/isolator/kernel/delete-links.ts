import type { Request } from '../../netlink/message.js'
import { link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { planDelete } from '../plan/planned.js'
import { removeEach } from './apply.js'

/**
 * Deletes links of ours, as far as they are there. With many the kernel would wait for all of its CPUs for each link that goes,
 * 10 to 20 ms, but does so only once for links that go together: they are put into a group of their own, and the group is
 * deleted.
 *
 * @param links lists of names, such as those of each container
 * @returns for each list why it failed; undefined if it did not. An empty list: none failed
 */
export async function deleteLinks(
  rt: RtnetlinkSocket,
  links: readonly (readonly string[])[],
): Promise<readonly (Error | undefined)[]> {
  const oneByOne = () =>
    removeEach(
      rt,
      links.map(names => names.map(name => planDelete(link, name))),
    )
  if (links.flat().length <= 1) return oneByOne()
  const group = unusedGroup()
  const there = links.flat().filter(name => rt.devices.interfaceIndex(name) !== 0)
  const results = await rt.batch(batch => {
    for (const dev of there) batch.links.change({ dev, group })
  })
  const grouped = results.filter(({ error }) => !error).length
  const deleted = grouped === 0 || !(await deleteGroup(rt, group))
  if (deleted && grouped === there.length) return []
  return oneByOne()
}

/** The same, where one that cannot be deleted is an error of the call. */
export async function deleteLinksOrThrow(rt: RtnetlinkSocket, names: readonly string[]): Promise<void> {
  const failures = await deleteLinks(
    rt,
    names.map(name => [name]),
  )
  const failure = failures.find(error => error)
  if (failure) throw failure
}

/**
 * A number that no link has: whatever is in the group will be deleted. It is one of 2^30, so far beyond what anybody chooses that to
 * look for links with it, which the kernel can only answer with all links, would be dearer than to delete ours.
 */
function unusedGroup(): number {
  // Loaded here: importing node:crypto costs every program 1 MB.
  const { randomInt } = process.getBuiltinModule('node:crypto')
  return randomInt(2 ** 30, 2 ** 31 - 1)
}

/**
 * The verbs delete nothing by a wildcard; here it is what is wanted (rtnl_group_dellink in net/core/rtnetlink.c). Returns
 * why that failed.
 */
async function deleteGroup(rt: RtnetlinkSocket, group: number): Promise<Error | undefined> {
  const request: Request<never> = {
    type: link.messages.delete,
    flags: 0,
    body: { attributes: { group } } as never,
  }
  const [result] = await rt.send([request])
  return result?.error
}
