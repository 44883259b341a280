import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { PortMappingIsolator } from '../../../lib/index.js'
import { median, quantile } from '../statistics.js'
import { textTable } from '../text-table.js'
import { duration, times } from '../units.js'
import { createIsolator, idOf, MOST, portOf, withNamespaces } from './crowd.js'
import { filtersOfContainer, filtersOfHost } from './filter-counts.js'
import { byIpv6, Wire } from './wire.js'

const DEFAULT_COUNT = 1000
const PER_CALL = 64
const ROUNDS = 25
const FRAMES_PER_BURST = 3000
/** Discard: the host has no socket there, and containers no port. */
const HOST_PORT = 9

const {
  positionals: [given],
  values: families,
} = parseArgs({ allowPositionals: true, options: { ipv6: { type: 'boolean' } } })
const count = Number(given ?? DEFAULT_COUNT)
if (!Number.isInteger(count) || count < 2 || count > MOST)
  throw new RangeError(`${given} is not a number of containers from 2 to ${MOST}`)

const rows: [what: string, figure: string][] = []
const note = (what: string, figure: string): void => {
  rows.push([what, figure])
  console.error(`${what}: ${figure}`)
}

/** How long `work` takes, in ns. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - began)
}

const availableKiB = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])

/** Isolates the containers with these indices one by one; what each call took. */
async function oneByOne(isolator: PortMappingIsolator, indices: readonly number[]): Promise<number[]> {
  const latencies: number[] = []
  for (let at = 0; at < indices.length; at += PER_CALL)
    await withNamespaces(indices.slice(at, at + PER_CALL), async containers => {
      for (const { id, ...options } of containers)
        latencies.push(await timed(() => isolator.isolate(id, options)))
    })
  return latencies
}

/** The same, with isolateMany. */
async function many(isolator: PortMappingIsolator, indices: readonly number[]): Promise<number> {
  let spent = 0
  for (let at = 0; at < indices.length; at += PER_CALL)
    await withNamespaces(indices.slice(at, at + PER_CALL), async containers => {
      spent += await timed(() => isolator.isolateMany(containers))
    })
  return spent
}

/** What the first container has added, while it is the only one. */
async function noteFiltersOfOne(): Promise<void> {
  const [{ link } = {}] = isolator.list()
  if (link === undefined) throw new Error('there is no container')
  const filters = await filtersOfHost()
  const leading = filters.reduce((sum, each, i) => sum + each - (filtersBefore[i] ?? 0), 0)
  const [veth, inside] = await filtersOfContainer(link, link)
  note('filters of a container: leading to it, on its veth, inside', `${leading}, ${veth}, ${inside}`)
}

async function packetCosts(wire: Wire, ports: readonly (number | string)[]): Promise<number[]> {
  const samples = await wire.cost(ports, ROUNDS, FRAMES_PER_BURST)
  return samples.map(bursts => Math.min(...bursts))
}

const indices = Array.from({ length: count }, (_, i) => i)
await using wire = await Wire.lay(families)
let isolator = await createIsolator(count, families)
const filtersBefore = await filtersOfHost()
note('filters on eth0, lo, without containers', filtersBefore.slice(0, 2).join(', '))

const before = availableKiB()
const latencies = await oneByOne(isolator, indices.slice(0, 1))
const [oneContainer = NaN, hostBeside = NaN] = await packetCosts(wire, [portOf(0), HOST_PORT])
await noteFiltersOfOne()
latencies.push(...(await oneByOne(isolator, indices.slice(1))))

note('isolate, one by one, all', duration(latencies.reduce((sum, each) => sum + each, 0)))
for (const at of [1, 100, 1000, count].filter((at, i, all) => at <= count && all.indexOf(at) === i)) {
  const around = latencies.slice(Math.max(0, at - 6), at + 5)
  note(`isolate, about the ${at}th`, `${duration(median(around))} (median of ${around.length})`)
}
note('isolate, p99', duration(quantile(latencies, 0.99)))
note('memory per container', `${((before - availableKiB()) / count).toFixed(0)} KiB, kernel and all`)
note('resident memory of this process', `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`)

const [first, middle, last, host] = await packetCosts(wire, [
  ...[0, Math.floor(count / 2), count - 1].map(portOf),
  HOST_PORT,
])
note('a packet to the only container', `${oneContainer.toFixed(0)} ns (least of ${ROUNDS} bursts)`)
for (const [name, cost = NaN, base] of [
  ['first', first, oneContainer],
  ['middle', middle, oneContainer],
  ['last', last, oneContainer],
] as const)
  note(`a packet to the ${name} of ${count}`, `${times(cost / base)} of that`)
note(
  `a packet to the host beside ${count}`,
  `${times((host ?? NaN) / hostBeside)} of one beside one container`,
)
if (families.ipv6) {
  const ports = [portOf(0), portOf(count - 1), HOST_PORT]
  const costs = await packetCosts(wire, [...ports, ...ports.map(byIpv6)])
  for (const [i, to] of [
    `the first of ${count}`,
    `the last of ${count}`,
    `the host beside ${count}`,
  ].entries())
    note(
      `an IPv6 packet to ${to}`,
      `${times((costs[ports.length + i] ?? NaN) / (costs[i] ?? NaN))} of one of IPv4`,
    )
}
const answers = await wire.answers()
note('answers to one ARP request, to one ping', `${answers.arp}, ${answers.ping}`)

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
await sleep(20)
note('usageAll', duration(await timed(() => isolator.usageAll())))
await sleep(20)
delay.disable()
note('longest delay of the event loop meanwhile', duration(delay.max))

await isolator.close()
const restart = await timed(async () => (isolator = await createIsolator(count, families)))
note('create, after a restart', duration(restart))
note('recover', duration(await timed(() => isolator.recover(indices.map(idOf)))))

const cleanups: number[] = []
for (const index of [0, Math.floor(count / 2), count - 1])
  cleanups.push(await timed(() => isolator.cleanup(idOf(index))))
note('cleanup of the first, middle, last', cleanups.map(duration).join(', '))
note(
  'cleanupMany of the others',
  duration(await timed(() => isolator.cleanupMany(isolator.list().map(({ id }) => id)))),
)
note(`isolateMany, ${PER_CALL} a call, all`, duration(await many(isolator, indices)))
note('destroy', duration(await timed(() => isolator.destroy())))

console.log(`${count} containers with 16 + 1 ports, ${families.ipv6 ? 'both families' : 'IPv4'}\n`)
console.log(textTable(rows))
