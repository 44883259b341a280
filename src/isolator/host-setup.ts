import type { Link } from '../rtnetlink/index.js'
import { applyAll, removeAll } from './apply.js'
import type { HostContext } from './host-context.js'
import { missingFilters, ourFilters, removeFilters } from './host-filters.js'
import { parseHostRecord, type HostRecord } from './host-record.js'
import {
  ingressQdisc,
  loopbackFilters,
  loopbackPlan,
  loopbackRestoration,
  loopbackSettings,
  publicFilters,
} from './plan/host.js'
import type { Planned } from './plan/planned.js'
import { allOrNothing, type Undo } from './undo.js'

/**
 * Puts the static part of the layout on the host, or completes one that an earlier run left. Gives back what has to be
 * restored in the end.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where something else holds a handle of the layout, or the loopback's alias
 */
export async function setUpHost(host: HostContext): Promise<HostRecord> {
  const { rt, facts } = host
  const loopback = await rt.links.get(facts.loopbackInterface)
  const present = await devicesWithIngress(host)
  const noted = parseHostRecord(loopback.alias, facts.loopbackInterface)
  const record =
    noted ??
    recordOf(
      loopback,
      devicesOf(host).filter(dev => !present.has(dev)),
    )
  await allOrNothing(async undo => {
    if (!noted) undo.push(() => applyAll(rt, loopbackRestoration(facts, record), undo))
    await applyAll(rt, loopbackPlan(facts, record), undo)
    await fillIn(host, facts.loopbackInterface, present, loopbackFilters(facts), undo)
    await fillIn(host, facts.publicInterface, present, publicFilters(facts), undo)
  })
  return record
}

/** Takes the static part away again and restores what was changed. A qdisc that was shared loses our filters only. */
export async function tearDownHost(host: HostContext, record: HostRecord): Promise<void> {
  const { rt, facts } = host
  for (const dev of devicesOf(host).reverse()) {
    if (record.qdiscs.includes(dev)) await removeAll(rt, inversesOf([ingressQdisc(dev)]))
    else await removeFilters(rt, await ourFilters(rt, dev))
  }
  await removeAll(rt, loopbackRestoration(facts, record))
}

const devicesOf = ({ facts }: HostContext): string[] => [facts.loopbackInterface, facts.publicInterface]

/** The devices that have an ingress or clsact qdisc already: another's, or ours from an earlier run. */
async function devicesWithIngress(host: HostContext): Promise<ReadonlySet<string>> {
  const lists = await Promise.all(devicesOf(host).map(dev => host.rt.qdiscs.list({ dev })))
  return new Set(
    lists.flat().flatMap(({ kind, dev }) => (kind === 'ingress' || kind === 'clsact' ? [dev] : [])),
  )
}

/** What is going to be changed, as it is now. */
function recordOf({ mtu, inet = {} }: Link, qdiscs: readonly string[]): HostRecord {
  const names = Object.keys(loopbackSettings({ mac: '', mtu }).inet) as (keyof typeof inet)[]
  return { mtu, qdiscs, sysctls: Object.fromEntries(names.map(name => [name, inet[name] ?? 0])) }
}

/** Adds the qdisc and the filters that a device lacks. */
async function fillIn(
  { rt }: HostContext,
  dev: string,
  present: ReadonlySet<string>,
  filters: readonly Planned[],
  undo: Undo,
): Promise<void> {
  if (!present.has(dev)) {
    await applyAll(rt, [ingressQdisc(dev)], undo)
    await applyAll(rt, filters, goesWithQdisc)
    return
  }
  const found = await ourFilters(rt, dev)
  const before = new Set(found.map(({ handle, priority }) => `${priority} ${handle}`))
  undo.push(async () => {
    const now = await ourFilters(rt, dev)
    await removeFilters(
      rt,
      now.filter(({ handle, priority }) => !before.has(`${priority} ${handle}`)),
    )
  })
  await applyAll(rt, missingFilters(rt, found, filters), goesWithQdisc)
}

/** For filters that are taken back in another way than one by one. */
const goesWithQdisc: Pick<Undo, 'push'> = { push: () => undefined }

const inversesOf = (planned: readonly Planned[]): Planned[] => planned.flatMap(({ inverse }) => inverse ?? [])
