import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { applyAll, ensureAll } from '../kernel/apply.js'
import type { Undo } from '../kernel/undo.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { ANSWERS } from '../layout/layout.js'
import { answersCopies, answersLimits, answersPair } from '../plan/answers.js'
import type { HostContext } from './context.js'
import { missingFilters, ourFilters } from './filters.js'

/** Filters that go with the pair. */
const goesWithPair: Pick<Undo, 'push'> = { push: () => undefined }

/**
 * Makes the veth pair through which answers for everyone go, or completes the one of an earlier run, with the limits of
 * this one.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where a link of that name is not ours, or its filters are not
 */
export async function setUpAnswers({ rt, facts }: HostContext, undo: Undo): Promise<void> {
  if (!(await isThere(rt))) await applyAll(rt, [answersPair(facts)], undo)
  await ensureAll(rt, answersLimits(facts))
  const found = await ourFilters(rt, ANSWERS.far)
  const ours = found.filter(({ kind }) => kind === 'u32')
  await applyAll(rt, missingFilters(rt, ours, answersCopies()).missing, goesWithPair)
}

/** Anybody may call a link as ours are called; ours are veths with neither ARP nor multicast. */
async function isThere(rt: RtnetlinkSocket): Promise<boolean> {
  const names = [ANSWERS.near, ANSWERS.far]
  const links = await Promise.all(names.map(dev => findLink(rt, dev)))
  const stranger = links.find(link => link && (link.kind !== 'veth' || link.arp || link.multicast))
  const alone = links.find((link, i) => link && !links[1 - i])
  const found = stranger ?? alone
  if (!found) return links[0] !== undefined
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `there is a link ${found.name} that this isolator did not make. It needs the names ${names.join(' and ')} for a veth pair of its own: ` +
      `remove the link with ip link del ${found.name}, or give it another name`,
    { details: { dev: found.name } },
  )
}

const findLink = async (rt: RtnetlinkSocket, dev: string): Promise<Link | undefined> =>
  rt.devices.interfaceIndex(dev) === 0 ? undefined : unlessGone(() => rt.links.get(dev))
