import type { Restoration } from '../netlink/object-type.js'
import { parentNumber, parseHandle, type Handle, type Parent } from './handle.js'
import { inRootTable, parseU32Handle, u32Node, u32Table } from './u32-handle.js'

/** Kinds of qdisc whose classes are there as soon as the qdisc is (net/sched/sch_*.c). */
const WITH_CLASSES: ReadonlySet<string> = new Set([
  ...[
    'cake',
    'cbs',
    'ets',
    'fq_codel',
    'fq_pie',
    'mq',
    'mqprio',
    'multiq',
    'netem',
    'prio',
    'red',
    'sfb',
    'sfq',
  ],
  ...['skbprio', 'taprio', 'tbf'],
])

/** What is looked at of listed objects. */
interface Listed {
  readonly ifindex: number
  readonly parent: Parent
  readonly kind: string
}
interface ListedQdisc extends Listed {
  readonly handle: string
}
interface ListedClass extends Listed {
  readonly classid: string
}
interface ListedFilter extends Listed {
  readonly handle: Handle
  readonly divisor?: number
  readonly table?: Handle
  readonly link?: Handle
  readonly actions?: readonly { readonly references: number }[]
}

export const comesWithQdisc = (kind: string): boolean => WITH_CLASSES.has(kind)

/** A qdisc, by the major number of its handle, or a class. */
const named = (ifindex: number, handle: number): string => `tc ${ifindex} ${handle.toString(16)}`

/** The qdisc that a handle, class or hook is of, and the class itself. */
function namesOf(ifindex: number, parent: Parent): string[] {
  if (parent === 'root') return []
  const number = parentNumber(parent)
  const qdisc = (number & 0xffff0000) >>> 0
  return [
    named(ifindex, qdisc),
    ...(number === qdisc || qdisc === 0xffff0000 ? [] : [named(ifindex, number)]),
  ]
}

export const qdiscRestoration: Restoration<unknown, ListedQdisc> = {
  madeByKernel: ({ handle }) =>
    parseHandle(handle) === 0 ? 'is the default of its device or class' : undefined,
  provides: ({ ifindex, handle }) => [named(ifindex, parseHandle(handle))],
  needs: ({ ifindex, parent, kind }) =>
    kind === 'ingress' || kind === 'clsact' ? [] : namesOf(ifindex, parent),
}

export const classRestoration: Restoration<unknown, ListedClass> = {
  madeByKernel({ kind, classid }) {
    const isRoot = (parseHandle(classid) & 0xffff) === 0 // of hfsc
    return comesWithQdisc(kind) || isRoot ? `comes with its ${kind} qdisc` : undefined
  },
  provides: ({ ifindex, classid }) => [named(ifindex, parseHandle(classid))],
  needs({ ifindex, parent, classid }) {
    const qdisc = (parseHandle(classid) & 0xffff0000) >>> 0
    return [named(ifindex, qdisc), ...namesOf(ifindex, parent)]
  },
}

const isU32 = ({ kind }: ListedFilter): boolean => kind === 'u32'

const tableName = ({ ifindex, parent }: ListedFilter, handle: Handle): string =>
  `u32 ${ifindex} ${parent} ${u32Table(parseU32Handle(handle)).toString(16)}`

/** Kinds whose filters of one priority are tried, and listed, newest first (cls_bpf.c, cls_basic.c). */
const NEWEST_FIRST: ReadonlySet<string> = new Set(['bpf', 'basic'])

export const filterRestoration: Restoration<unknown, ListedFilter> = {
  madeByKernel: filter =>
    isU32(filter) && filter.divisor === 1 && inRootTable(parseU32Handle(filter.handle))
      ? 'comes with the first filter of its priority'
      : undefined,
  provides: filter =>
    isU32(filter) && filter.divisor !== undefined ? [tableName(filter, filter.handle)] : [],
  needs(filter) {
    const { ifindex, parent } = filter
    if (!isU32(filter) || filter.divisor !== undefined) return namesOf(ifindex, parent)
    const { table, link } = filter
    const tables = [table, link].flatMap(handle => (handle === undefined ? [] : [tableName(filter, handle)]))
    return [...namesOf(ifindex, parent), ...tables]
  },
  /** Those that come first are added last. */
  order(listed) {
    const newest = listed.filter(({ kind }) => NEWEST_FIRST.has(kind)).reverse()
    return listed.map(filter => (NEWEST_FIRST.has(filter.kind) ? (newest.shift() ?? filter) : filter))
  },
  steps(filter, { filters = [] }) {
    const listed = filters as readonly ListedFilter[]
    const spec = { ...filter, ...placeOf(filter, listed), ...actionsOf(filter, listed) }
    return [{ verb: 'add', spec }]
  },
}

/** Root tables get other numbers when priorities are made in another order: a node asks for its root, whichever it is. */
function placeOf(filter: ListedFilter, listed: readonly ListedFilter[]): object {
  const { handle, table, divisor } = filter
  if (!isU32(filter) || divisor !== undefined || table !== undefined) return {}
  const number = parseU32Handle(handle)
  if (!inRootTable((number & 0xfffff000) >>> 0)) return {}
  const own = listed.find(
    other =>
      isU32(other) &&
      (other.divisor ?? 1) > 1 &&
      tableName(other, other.handle) === tableName(filter, handle),
  )
  return own ? { table: own.handle } : { handle: `::${u32Node(number).toString(16)}` }
}

/** Where filters share actions, all actions keep their numbers: a number that the kernel chooses could be one of theirs. */
function actionsOf({ actions }: ListedFilter, listed: readonly ListedFilter[]): object {
  const shared = listed.some(other => other.actions?.some(({ references }) => references > 1))
  return actions && shared ? { actions: actions.map(action => ({ ...action, references: 0 })) } : {}
}
