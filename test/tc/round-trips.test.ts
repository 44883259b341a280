/**
 * Against the kernel: what `tc` made is listed, deleted, added as it was listed, and listed again. Every object is the
 * same then, to our lists and to `tc`, or `add` has refused it, naming what it cannot carry.
 */
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { NetlinkError } from '../../src/netlink/errors.js'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { classRestoration, filterRestoration, qdiscRestoration } from '../../src/tc/restoration.js'
import { ip, run, tcBatchOn } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { scenarios } from '../round-trips/tc-scenarios.js'

const dev = 'd0'
const restorations = {
  qdiscs: qdiscRestoration,
  classes: classRestoration,
  filters: filterRestoration,
} as const
type Table = keyof typeof restorations

interface Found {
  readonly table: Table
  readonly object: Readonly<Record<string, unknown>>
}

/** All there is on the device: qdiscs at its root, classes, qdiscs of classes, filters. */
function listed(rt: RtnetlinkSocketSync): Found[] {
  const qdiscs = rt.qdiscs.list({ dev })
  const classes = rt.classes.list({ dev })
  const parents = new Set([
    ...qdiscs.flatMap(({ kind, handle }) => {
      if (kind === 'clsact') return ['ingress', 'egress']
      return kind === 'ingress' ? ['ingress'] : handle === '0:' ? [] : [handle]
    }),
    ...classes.map(({ classid }) => classid),
  ])
  const filters = [...parents].flatMap(parent => rt.filters.list({ dev, parent }))
  const isTop = ({ parent }: { parent: string }): boolean => parent === 'root' || parent === 'ffff:fff1'
  return [
    ...qdiscs.filter(isTop).map(object => ({ table: 'qdiscs' as const, object })),
    ...classes.map(object => ({ table: 'classes' as const, object })),
    ...qdiscs.filter(qdisc => !isTop(qdisc)).map(object => ({ table: 'qdiscs' as const, object })),
    ...filters.map(object => ({ table: 'filters' as const, object })),
  ] as unknown as Found[]
}

/** What differs from one moment to another. */
const VOLATILE = new Set(['ifindex', 'statistics'])

/** Without what differs. An action that nobody shares gets another number. */
function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const shared = !('index' in value && 'references' in value) || value.references !== 1
  const members = Object.entries(value).filter(
    ([name]) => !VOLATILE.has(name) && (shared || name !== 'index'),
  )
  return Object.fromEntries(members.map(([name, member]) => [name, stable(member)]))
}

const SHOW = [
  ...['qdisc show dev d0', 'class show dev d0', 'filter show dev d0'],
  ...['ingress', 'egress'].map(hook => `filter show dev d0 ${hook}`),
]

/** Gathers lines: each table with what is in it as one text, tables that follow each other in one list. */
function byTable(lists: string[][], line: string): string[][] {
  const last = lists.at(-1)
  const isTable = / fh \w+: ht divisor /.test(line)
  const isInside = !/^\w/.test(line) || / fh \w+:\w*:\w+ /.test(line)
  if (last && isTable && / ht divisor /.test(last[0] ?? '')) last.push(line)
  else if (last && isInside && / ht divisor /.test(last[0] ?? '')) last.push(`${last.pop()}\n${line}`)
  else lists.push([line])
  return lists
}

/** The lines of `tc`, in its order, but for the tables of u32, which it shows newest first: nothing depends on that. */
const shown = (text: string): string[] =>
  text
    .replaceAll(/\s(index|ref|bind|refcnt|id) \d+|(?<=police )0x[0-9a-f]+/g, '')
    // For a moment taprio shows the empty schedule beside the one that is about to begin.
    .replaceAll('base-time 0 cycle-time 0 cycle-time-extension 0\t', '')
    .split('\n')
    .filter(line => line.trim() !== '')
    .reduce(byTable, [])
    .flatMap(tables => tables.sort())

/** As listed, but that of which the newest comes first is added last. */
function inOrder(found: readonly Found[]): Found[] {
  const filters = found.filter(({ table }) => table === 'filters').map(({ object }) => object)
  const ordered = [...(filterRestoration.order?.(filters as never) ?? [])] as unknown as Found['object'][]
  return found.map(one =>
    one.table === 'filters' ? found.find(({ object }) => object === ordered[0] && ordered.shift())! : one,
  )
}

/** A refusal that names what it is about: ours, or the kernel's with its text. */
const isNamed = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error instanceof NetlinkError && (!!error.extack || error.request === 'RTM_GETTCLASS'))

/** What `tc` says where this kernel, or this `tc`, has no such kind or option. */
const LACKING =
  /^Error: (Specified qdisc kind is unknown|TC classifier not found|Failed to load TC action module|(act_ct: )?Conntrack zones isn't enabled)\.|^What is /m

void t.test('what is listed can be added', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  const namespace = `rt${process.pid}`
  await run('ip', ['netns', 'add', namespace])
  t.teardown(() => run('ip', ['netns', 'del', namespace]))
  await ip(namespace, 'link add d1 type veth peer name d1p')
  using rt = RtnetlinkSocketSync.open({ netns: `/run/netns/${namespace}` })
  rt.links.add({ name: dev, kind: 'veth', txQueues: 2, peer: { name: 'd0p' } })
  const counts = { scenarios: 0, lacking: 0, objects: 0, equal: 0, byKernel: 0, refused: 0 }
  const refusals = new Set<string>()
  const deleteAll = (): void => {
    for (const qdisc of rt.qdiscs.list({ dev })) {
      const isTop = qdisc.parent === 'root' || qdisc.parent === 'ffff:fff1'
      if (isTop && qdisc.handle !== '0:') rt.qdiscs.delete(qdisc)
    }
  }

  for (const { about, lines } of scenarios) {
    const made = await tcBatchOn(namespace, [...lines, ...SHOW])
    const failed = made.failed.filter(line => line <= lines.length)
    if (failed.length > 0) {
      t.match(made.stderr, LACKING, `${about}: this kernel or tc has it not`)
      counts.lacking++
      deleteAll()
      continue
    }
    counts.scenarios++
    const before = listed(rt)
    deleteAll()

    const refused = new Map<Found, unknown>()
    for (const found of inOrder(before)) {
      try {
        rt[found.table].add(found.object as never)
      } catch (error) {
        refused.set(found, error)
      }
    }
    const after = listed(rt).map(({ table, object }) => ({ table, object: stable(object) }))
    let whole = true
    for (const found of before) {
      const same = after.findIndex(other =>
        isDeepStrictEqual(other, { table: found.table, object: stable(found.object) }),
      )
      const byKernel = restorations[found.table].madeByKernel?.(found.object as never, {}) !== undefined
      const error = refused.get(found)
      counts.objects++
      if (same >= 0) after.splice(same, 1)
      if (same >= 0 && (byKernel || error === undefined)) {
        counts[byKernel ? 'byKernel' : 'equal']++
        continue
      }
      whole = false
      counts.refused++
      const text = `${about}: ${String(found.object['kind'])}: ${String(error).split('\n').slice(0, 2).join(' ')}`
      refusals.add(text)
      if (!isNamed(error) && !byKernel) t.fail(text, { lost: stable(found.object), after })
    }
    if (whole) {
      t.strictSame(after, [], `${about}: nothing else`)
      const now = await tcBatchOn(namespace, SHOW)
      t.strictSame(shown(now.stdout), shown(made.stdout), `${about}: the same to tc`)
    }
    deleteAll()
  }
  for (const text of refusals) t.comment(text)
  t.comment(JSON.stringify(counts))
  t.ok(counts.equal > 20, `${counts.equal} of ${counts.objects} objects are the same`)
})
