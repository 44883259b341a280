import type { Test } from 'tap'
import { parseLastChange } from '../../src/isolator/layout/last-change.js'
import { run, runIn, tc } from '../helpers/iproute2.js'
import { comesTo, snapshot, type Snapshot } from '../helpers/leaks.js'
import { WIRE, type NamespaceRef } from '../helpers/topology.js'

/** Every call that may change something notes that it has, in an alias. That it is in the middle of it is a difference. */
export const isOfFinishedChange = (alias: string | undefined): boolean =>
  parseLastChange(alias)?.unfinished === false

/** sysctls of the loopback and of the veths, which no dump of links shows. */
const sysctls = ({ path }: NamespaceRef): Promise<string> =>
  runIn(path, 'sysctl', '-ar', '^net\\.ipv[46]\\.conf\\.(lo|pm.*|eth0)\\.')

/** What there is in the namespaces, and which files and threads this process has. */
export async function stateOf(
  namespaces: NamespaceRef[],
): Promise<Snapshot['state'] & { sysctls: string[] }> {
  const { state } = await snapshot({ namespaces })
  for (const { filters, links } of Object.values(state.namespaces)) {
    // A bridge takes its bound of segmentation from the ports that it has had.
    for (const link of links as { ifname?: string; ifalias?: string; tso_max_size?: number }[]) {
      if (link.ifname?.startsWith('pmb')) delete link.tso_max_size
      if (isOfFinishedChange(link.ifalias)) delete link.ifalias
    }
    // From its second dump on, the kernel says of an action that hardware keeps no statistics of it.
    for (const [place, lines] of Object.entries(filters))
      filters[place] = lines.filter(line => !line.includes('used_hw_stats'))
  }
  return { ...state, sysctls: await Promise.all(namespaces.map(sysctls)) }
}

/** Numbers that the kernel chooses. */
const CHOSEN = new Set(['ifindex', 'link_index', 'link_netnsid', 'link_netns'])

/** What there is in the namespaces, without what two that were made alike differ in: their names, and the kernel's numbers. */
export async function comparableState(namespaces: NamespaceRef[]): Promise<string[]> {
  const { namespaces: states, sysctls } = await stateOf(namespaces)
  const withoutNumbers = (name: string, value: unknown): unknown => (CHOSEN.has(name) ? undefined : value)
  return Object.values(states)
    .map(state => JSON.stringify(state, withoutNumbers, 1).replaceAll(/index \d+/g, 'index N'))
    .concat(sysctls)
}

/** Runs `work` and asserts that a moment later the namespaces, and the files and threads of this process, are as before. */
export async function changesNothing(
  t: Test,
  namespaces: NamespaceRef[],
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await stateOf(namespaces)
  await work()
  await isAsBefore(t, namespaces, before)
}

/** Asserts that a moment later the namespaces, and the files and threads of this process, are as they were. */
export const isAsBefore = (
  t: Test,
  namespaces: NamespaceRef[],
  before: Awaited<ReturnType<typeof stateOf>>,
): Promise<void> => comesTo(t, () => stateOf(namespaces), before, 'nothing changed')

/** The same of what `comparableState` has. */
export const isAlike = (
  t: Test,
  namespaces: NamespaceRef[],
  before: readonly string[],
  message = 'nothing changed',
): Promise<void> => comesTo(t, () => comparableState(namespaces), [...before], message)

/**
 * The ingress filters of the host's interfaces, one text each, sorted. Root tables, which the kernel numbers, are `8xx:`.
 */
export async function filtersOf({ name }: NamespaceRef): Promise<string[]> {
  const shown = await Promise.all(
    // The last one is there while an isolator has the host.
    ['lo', WIRE, 'pmcopies'].map(dev => tc(name, `filter show dev ${dev} ingress`).catch(() => '')),
  )
  return shown
    .flatMap(text =>
      text
        .replaceAll(/\b8[0-9a-f]{2}:/g, '8xx:')
        .replaceAll(/ht 8[0-9a-f]{2} /g, 'ht 8xx ')
        .split(/^(?=filter )/m),
    )
    .sort()
}

/** Gives lo the MAC address of the host: the kernel does not take back the all-zero one that it has at first. */
export async function settleLoopback({ name }: NamespaceRef, mac: string): Promise<void> {
  await run('ip', ['-n', name, 'link', 'set', 'lo', 'address', mac])
}
