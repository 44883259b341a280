import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { ipJson, tc, tcJson } from './iproute2.js'
import type { NamespaceRef } from './topology.js'

export interface SnapshotOptions {
  /** Namespaces whose links, IPv4 addresses and routes, qdiscs, filters and actions belong to the snapshot. */
  namespaces?: NamespaceRef[]
  /** Which names in /run/netns count; other tests make theirs at the same time. Default: none. */
  names?: RegExp
}

export interface Snapshot {
  options: SnapshotOptions
  state: {
    /** Open file descriptors of this process: how many of each kind, or path. */
    files: Record<string, number>
    /** Threads of this process: how many of each name. */
    threads: Record<string, number>
    names: string[]
    namespaces: Record<string, NamespaceState>
  }
}

interface NamespaceState {
  links: unknown[]
  addresses: unknown[]
  routes: unknown[]
  qdiscs: unknown[]
  filters: Record<string, string[]>
  actions: string[]
}

/** What this process and the kernel hold now. File descriptors that open at a first use have to be open before. */
export async function snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
  const { namespaces = [], names } = options
  const states: Record<string, NamespaceState> = {}
  for (const { name } of namespaces) states[name] = await namespaceState(name)
  // Last, and settled: the programs started above had pipes.
  const { files, threads } = await settled(() => ({ files: openFiles(), threads: threadNames() }))
  return { options, state: { files, threads, names: names ? netnsNames(names) : [], namespaces: states } }
}

/** Asserts that all is as it was `before`. */
export const expectSame = (t: Test, before: Snapshot, timeout?: number): Promise<void> =>
  comesTo(t, async () => (await snapshot(before.options)).state, before.state, 'nothing leaked', timeout)

/**
 * Asserts that a look finds what is expected within `timeout` ms: a namespace or a thread that has been given up goes a little
 * later, and so does the kernel notice that a veth has a carrier.
 */
export async function comesTo<T>(
  t: Test,
  look: () => T | Promise<T>,
  expected: T,
  message: string,
  timeout = 3000,
): Promise<void> {
  const deadline = performance.now() + timeout
  let now = await look()
  while (!isDeepStrictEqual(now, expected) && performance.now() < deadline) {
    await sleep(20)
    now = await look()
  }
  t.strictSame(now, expected, message)
}

/** What two looks in a row, a moment apart, agree on; the last look after 20 of them. */
export async function settled<T>(look: () => T | Promise<T>): Promise<T> {
  let last = await look()
  for (let attempt = 0; attempt < 20; attempt++) {
    await sleep(5)
    const now = await look()
    if (isDeepStrictEqual(now, last)) return now
    last = now
  }
  return last
}

function count(values: (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values.sort()) if (value !== undefined) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

function openFiles(): Record<string, number> {
  // `socket:[1234]` is a socket; the number says nothing.
  const kindOf = (fd: string): string => readlinkSync(`/proc/self/fd/${fd}`).replace(/^(\w+):\[\d+\]$/, '$1')
  return count(readdirSync('/proc/self/fd').map(fd => unlessGone(() => kindOf(fd))))
}

function threadNames(): Record<string, number> {
  const nameOf = (id: string): string => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
  return count(readdirSync('/proc/self/task').map(id => unlessGone(() => nameOf(id))))
}

/** undefined for a file descriptor or thread that went between listing and looking. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function netnsNames(names: RegExp): string[] {
  const all = unlessGone(() => readdirSync('/run/netns')) ?? []
  return all.filter(name => names.test(name)).sort()
}

async function namespaceState(name: string): Promise<NamespaceState> {
  const qdiscs = await tcJson<Qdisc>(name, 'qdisc show')
  const filters: Record<string, string[]> = {}
  for (const place of qdiscs.flatMap(filterPlaces))
    filters[place] = await tcLines(name, `filter show ${place}`)
  return {
    // IPv6 configures itself, a second or two after a link comes up: its addresses and routes are left out.
    links: await ipJson(name, '-d link show'),
    addresses: await ipJson(name, '-4 addr show'),
    routes: await ipJson(name, '-4 route show table all'),
    qdiscs,
    filters,
    // "index 7 ref 1 bind 1"; fails where no filter has ever asked for the module
    actions: await tcLines(name, 'actions list action mirred').catch(() => []),
  }
}

interface Qdisc {
  kind: string
  handle: string
  dev: string
}

/** Where filters may hang on a qdisc, in the words of `tc filter show`. */
function filterPlaces({ kind, handle, dev }: Qdisc): string[] {
  if (kind === 'ingress') return [`dev ${dev} ingress`]
  if (kind === 'clsact') return [`dev ${dev} ingress`, `dev ${dev} egress`]
  return handle === '0:' ? [] : [`dev ${dev} parent ${handle}`]
}

async function tcLines(name: string, line: string): Promise<string[]> {
  return (await tc(name, line)).split('\n').filter(text => text.trim() !== '')
}
