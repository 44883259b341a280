import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PortMappingIsolator } from 'rtnetlink'
import { alternate } from '../alternate.js'
import { barChart, type BarGroup } from '../bar-chart.js'
import { RESULTS } from '../folders.js'
import { machine } from '../machine.js'
import { markdownTable } from '../markdown-table.js'
import { median } from '../statistics.js'
import { duration, times } from '../units.js'
import { bridgeAndPortmap, hasDebianPlugIns, withDaemon, withoutDaemon } from './contenders.js'
import { Daemon } from './daemon.js'
import type { Contender, Mapping } from './plug-in.js'

const PORTS = [1, 100, 1000]
/** A round of a peer takes minutes with so many. */
const ROUNDS_OF_MANY = 3

const rounds = Number(process.argv[2] ?? 9)
const beside = Number(process.argv[3] ?? 0)

const ip = (...args: string[]): void => {
  execFileSync('ip', args)
}

/** The host of the plug-in without a daemon: a daemon keeps others off its own. */
const SECOND = `cni-bench-host-${process.pid}`

/** A namespace as a host: an interface with an address and a way out. */
function makeHost(...namespace: string[]): void {
  const inside = (...args: string[]): void => {
    ip(...namespace, ...args)
  }
  inside('link', 'set', 'lo', 'up')
  inside('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'wire')
  for (const dev of ['eth0', 'wire']) inside('link', 'set', dev, 'up')
  inside('addr', 'add', '10.9.0.2/24', 'dev', 'eth0')
  inside('route', 'add', 'default', 'via', '10.9.0.1')
}

const mappings = (count: number): Mapping[] =>
  Array.from({ length: count }, (_, i) => ({
    hostPort: 31_999 - i,
    containerPort: 31_999 - i,
    protocol: 'tcp',
  }))

interface Sample {
  readonly add: number[]
  readonly del: number[]
}

const milliseconds = (work: () => void): number => {
  const began = performance.now()
  work()
  return performance.now() - began
}

/** One container in a namespace of its own, from nothing to nothing. */
function once(contender: Contender, ports: readonly Mapping[], sample: Sample): void {
  const name = `cni-bench-${process.pid}`
  ip('netns', 'add', name)
  try {
    const path = `/run/netns/${name}`
    sample.add.push(milliseconds(() => contender.add('bench', path, ports)))
    sample.del.push(milliseconds(() => contender.del('bench', path, ports)))
  } finally {
    ip('netns', 'delete', name)
  }
}

/** Others that are there already. */
async function fill(count: number, prefix: string, host: { netns?: string }): Promise<void> {
  if (count === 0) return
  const isolator = await PortMappingIsolator.create({
    ...host,
    publicInterface: 'eth0',
    ports: '20000-31999',
    ephemeralPorts: '32768-57343',
    ephemeralPortsPerContainer: 16,
    reserveHostPorts: true,
  })
  const names = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
  execFileSync('ip', ['-batch', '-'], { input: names.map(name => `netns add ${name}\n`).join('') })
  await isolator.isolateMany(names.map((id, i) => ({ id, netns: id, ports: String(20_000 + i) })))
  await isolator.close()
}

makeHost()
ip('netns', 'add', SECOND)
makeHost('-n', SECOND)
await fill(beside, 'first', {})
await fill(beside, 'second', { netns: SECOND })
const folder = mkdtempSync(join(tmpdir(), 'bench-cni-'))
const daemon = await Daemon.start(folder)
const contenders: Contender[] = [withDaemon(daemon.socket)]
const peers = hasDebianPlugIns() ? [bridgeAndPortmap(join(folder, 'addresses'))] : []
const groups: BarGroup[] = []
const rows: string[][] = []
try {
  for (const count of PORTS) {
    const all = [...contenders, withoutDaemon(SECOND), ...peers]
    const samples = new Map<Contender, Sample>(all.map(one => [one, { add: [], del: [] }]))
    const ports = mappings(count)
    await alternate(all, count > 100 ? Math.min(rounds, ROUNDS_OF_MANY) : rounds, async contender => {
      once(contender, ports, samples.get(contender) as Sample)
    })
    const summaries = all.map(({ name, ours }) => {
      const { add, del } = samples.get(all.find(one => one.name === name) as Contender) as Sample
      return { name, ours, add: median(add), del: median(del) }
    })
    const [base] = summaries as [(typeof summaries)[0]]
    for (const { name, add, del } of summaries)
      rows.push([
        name,
        String(count),
        duration(add * 1e6),
        times(add / base.add),
        duration(del * 1e6),
        times(del / base.del),
      ])
    groups.push({
      title: `ADD, ${count} port${count === 1 ? '' : 's'}`,
      bars: summaries.map(({ name, ours, add }) => ({
        label: name,
        value: add * 1e6,
        text: duration(add * 1e6),
        tone: ours ? 'ours' : 'peer',
      })),
    })
  }
} finally {
  await daemon[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
}

const { processors, processor, kernel, node } = machine()
const title = `ADD and DEL of CNI plug-ins, beside ${beside} containers`
console.log(`${title}: medians of ${rounds} alternated rounds (${ROUNDS_OF_MANY} with 1000 ports)`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(markdownTable([['', 'ports', 'ADD', '', 'DEL', ''], ...rows]))
if (peers.length === 0)
  console.log('\nnot run: bridge + portmap + firewall: no containernetworking-plugins, or no iptables')
const svg = join(RESULTS, `cni-${beside}.svg`)
writeFileSync(
  svg,
  barChart({ title, subtitle: `${processors} x ${processor}, Linux ${kernel}`, groups, format: duration }),
)
console.log(`\n${svg}`)
