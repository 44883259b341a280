import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { link, type Link, type LinkSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { BACKLOG, writeBacklog } from '../host/backlog.js'
import { clearUnheld } from '../container/let-go.js'
import { removeFilters } from '../host/filters.js'
import { openPriorities } from '../host/hidden-tables.js'
import { isNamed, loopbackHook, type Holdings, type Hook } from '../host/holdings.js'
import { restoreLoopback } from '../host/loopback.js'
import { isOurs } from '../host/recognise.js'
import { releasePorts } from '../host/reserved-ports.js'
import { removeAll } from '../kernel/apply.js'
import { deleteLinks } from '../kernel/delete-links.js'
import { hasLayoutPriority, isRootTable } from '../layout/filter-places.js'
import { ANSWERS, isBridgeName, linkName, shaperNames } from '../layout/layout.js'
import { isOurBridge } from '../plan/bridge.js'
import { loopbackSettings } from '../plan/host.js'
import { plan } from '../plan/planned.js'
import { skeleton } from '../plan/skeleton.js'
import { skeleton6 } from '../plan/skeleton6.js'
import { isContainerLink, isShaper } from '../recovery/found.js'
import type { SeenContainers } from '../recovery/seen.js'
import { byLink, idOrLinkName, releaseNames } from './remove-containers.js'
import type { RemovalLog } from './removal.js'

/** The host side of a removal. */
export interface RemovedHost {
  readonly netns: NetworkNamespace
  readonly rt: RtnetlinkSocket
}

/**
 * Removes everything of ours on a host, in whatever state it is, and restores what was noted: first the ways in, then the
 * links, then the names, and the record of what to restore last, so that a removal that is cut can be done again.
 */
export async function removeEverything(
  host: RemovedHost,
  seen: SeenContainers,
  log: RemovalLog,
): Promise<void> {
  const { holdings, survey } = seen
  const { rt } = host
  for (const hook of holdings.hooks) await removeHook(rt, hook, holdings, log)
  for (const { dev, parent, handle } of holdings.flows)
    await log.step(`the fq_codel ${handle} of ${dev}`, () => rt.qdiscs.delete({ dev, parent, handle }))
  const gone = await removeLinks(host, seen, log)
  const names = [...survey.handles.keys()]
  const [stray, held] = [names.filter(slot => !survey.links.has(slot)), names.filter(slot => gone.has(slot))]
  await releaseNames(host, seen, held, log)
  for (const slot of await releaseNames(host, seen, stray, log))
    log.removed.push(`the name /run/netns/${linkName(slot)}`)
  if (!log.isPartial) await restore(host, seen, log)
}

/** Deletes the qdisc where it is ours and nobody else uses it; else our filters, one by one. */
async function removeHook(
  rt: RtnetlinkSocket,
  hook: Hook,
  holdings: Holdings,
  log: RemovalLog,
): Promise<void> {
  const { name: dev } = hook.link
  if (isSole(hook, holdings))
    return log.step(`the ingress qdisc of ${dev}`, () => rt.qdiscs.delete({ dev, kind: 'ingress' }))
  await log.step(`the filters of ${dev}`, async () => {
    // Of a priority that somebody has deleted, the tables are listed once it has a filter again.
    const planned = [
      ...skeleton({ dev, addresses: ['0.0.0.0'], everyone: true, fragments: 'allow' }),
      ...skeleton6({ dev, addresses: [] }),
    ]
    const { filters: found, close } = await openPriorities(rt, dev, 'ingress', planned, {
      push: () => undefined,
    })
    const ours = found.filter(isOurs)
    const priorities = new Set(ours.map(({ priority }) => priority))
    const roots = found.filter(
      object => isRootTable(object) && hasLayoutPriority(object) && priorities.has(object.priority),
    )
    await removeFilters(rt, [...ours, ...roots])
    await close()
  })
}

/** Without a record, a bare ingress qdisc that had filters of ours alone counts as ours: `create()` makes such. */
function isSole(hook: Hook, { record, links, loopback }: Holdings): boolean {
  if (hook.qdisc.kind !== 'ingress' || hook.shared) return false
  if (!record || isNamed(hook.link, record)) return true
  const isThere = (name: string): boolean =>
    links.some(found => isNamed(found, { ...record, qdiscs: [name] }))
  const isRenamed = record.qdiscs.some(name => !isThere(name))
  return isRenamed && hook.link.index !== loopback?.index
}

/** All links of ours together. Returns the slots of containers whose links are gone. */
async function removeLinks(
  host: RemovedHost,
  { holdings: { links }, survey, found }: SeenContainers,
  log: RemovalLog,
): Promise<ReadonlySet<number>> {
  const containers = found.filter(isContainerLink)
  const shapers = [...survey.shapers].filter(([, shaper]) => isShaper(shaper))
  const bridges = links.filter(bridge => isBridgeName(bridge.name) && isOurBridge(bridge))
  const answers = links.filter(isAnswers)
  const others = [
    ...shapers.map(([slot]) => shaperNames(slot).near),
    ...[...answers, ...bridges].map(nameOfLink),
  ]
  const names = [...containers.map(({ slot }) => linkName(slot)), ...others]
  if (names.length === 0) return new Set()
  await clearUnheld(host, byLink(containers), log.insideFailed)
  const failures = await deleteLinks(
    host.rt,
    names.map(name => [name]),
  )
  for (const [i, name] of names.entries()) {
    const error = failures[i]
    const container = containers[i]
    if (error) log.failed(name, error)
    else if (container) log.containers.push(idOrLinkName(container))
    else log.removed.push(`the link ${name}`)
  }
  return new Set(containers.filter((_, i) => !failures[i]).map(({ slot }) => slot))
}

const nameOfLink = ({ name }: Link): string => name

/** One end of the pair takes the other along; anybody may call a link so. */
const isAnswers = ({ name, kind, arp, multicast }: Link): boolean =>
  name === ANSWERS.near && kind === 'veth' && !arp && !multicast

/** Puts back what `create()` changed beside the layout, as it noted. */
async function restore(
  { netns, rt }: RemovedHost,
  { holdings }: SeenContainers,
  log: RemovalLog,
): Promise<void> {
  const { record, loopback } = holdings
  if (!loopback) return
  const { name } = loopback
  if (!record) {
    const isKnown =
      loopbackHook(holdings) !== undefined || log.removed.length > 0 || log.containers.length > 0
    if (isKnown && isAsCreated(loopback))
      await log.step(
        `the settings of ${name}, which are the kernel's defaults now: their record is gone`,
        async () => removeAll(rt, [plan(link, 'change', { dev: name, ...(await kernelDefaults(netns)) })]),
      )
    return
  }
  const { reserved, backlog } = record
  if (reserved.size > 0)
    await log.step(`the reservation of ports ${reserved}`, () => releasePorts(netns, reserved))
  if (backlog !== undefined)
    await log.step(`${BACKLOG}, which is ${backlog} again`, () => writeBacklog(backlog))
  if (log.isPartial) return
  await log.step(`the settings of ${name}, which are as before`, () => restoreLoopback(rt, name, record))
}

/** What `create()` sets of a loopback interface's sysctls. */
const CREATED = loopbackSettings({ mac: '', mtu: 0 }).inet

const isAsCreated = ({ inet }: Link): boolean =>
  Object.entries(CREATED).every(([name, value]) => inet?.[name as keyof typeof CREATED] === value)

/** drivers/net/loopback.c */
const LOOPBACK_MTU = 64 * 1024

/** What a loopback interface has that nobody has changed: of sysctls, what the namespace gives to new devices. */
async function kernelDefaults(netns: NetworkNamespace): Promise<Pick<LinkSpec, 'mtu' | 'inet'>> {
  const names = Object.keys(CREATED)
  const values = await netns.accessFiles(
    names.map(name => [sysctlPath(`net/ipv4/conf/default/${name}`), null]),
  )
  const failure = values.find(value => value instanceof Error)
  if (failure instanceof Error) throw failure
  return {
    mtu: LOOPBACK_MTU,
    inet: Object.fromEntries(names.map((name, i) => [name, Number(values[i])])),
  }
}
