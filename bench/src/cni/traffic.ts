import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate } from '../alternate.js'
import { barChart, type BarGroup } from '../bar-chart.js'
import { compile } from '../compile.js'
import { RESULTS } from '../folders.js'
import { machine } from '../machine.js'
import { output, samplesOf } from '../output.js'
import { median, quantile } from '../statistics.js'
import { markdownTable } from '../markdown-table.js'
import { duration, times } from '../units.js'
import { bridgeAndPortmap, hasDebianPlugIns, withoutDaemon } from './contenders.js'
import { ADDRESS, PORT, Scene } from './scene.js'

const rounds = Number(process.argv[2] ?? 7)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('npm run bench -- cni-traffic [rounds]')

const [REQUESTS, CONNECTIONS, DATAGRAMS] = [5000, 1000, 300_000]
const STREAM_SECONDS = 1

/** sysconf(_SC_CLK_TCK) is 100 on every architecture of Linux that Node runs on. */
const NANOSECONDS_PER_TICK = 10_000_000

/** What one round found of a way to the server. */
interface Sample {
  /** Nanoseconds. */
  readonly p50: number
  readonly p99: number
  /** Nanoseconds for connect(), a request and close(). */
  readonly connection: number
  /** Payload, bytes per second. */
  readonly goodput: number
  /** CPU time of all CPUs for a datagram that arrives, sender and receiver included: nanoseconds. */
  readonly cpu: number
}

/** CPU time of the machine that was not idle, up to now: nanoseconds. proc(5), /proc/stat. */
function busy(): number {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields.map(Number)
  return (user + nice + system + irq + softirq) * NANOSECONDS_PER_TICK
}

async function sampleOf({ remote, server }: Scene, exchange: string, traffic: string): Promise<Sample> {
  const between = [remote, server, ADDRESS, String(PORT)]
  const requests = await samplesOf(exchange, ['requests', ...between, String(REQUESTS)])
  const connections = await samplesOf(exchange, ['connections', ...between, String(CONNECTIONS)])
  const stream = JSON.parse(await output(traffic, ['tcp', ...between, String(STREAM_SECONDS)])) as {
    bytes: number
    seconds: number
  }
  const before = busy()
  const arrived = Number(await output(exchange, ['datagrams', ...between, String(DATAGRAMS)]))
  return {
    p50: median(requests),
    p99: quantile(requests, 0.99),
    connection: median(connections),
    goodput: stream.bytes / stream.seconds,
    cpu: (busy() - before) / arrived,
  }
}

interface Measured {
  readonly name: string
  readonly ours: boolean
  readonly samples: readonly Sample[]
}

/** What is shown of the samples: lower is better. */
const FIGURES: readonly (readonly [
  title: string,
  of: (sample: Sample) => number,
  text: (value: number) => string,
])[] = [
  ['request, p50', ({ p50 }) => p50, duration],
  ['request, p99', ({ p99 }) => p99, duration],
  ['connect + request', ({ connection }) => connection, duration],
  ['CPU per datagram', ({ cpu }) => cpu, duration],
]

function report(measured: readonly Measured[]): void {
  const of = ({ samples }: Measured, figure: (sample: Sample) => number): number =>
    median(samples.map(figure))
  const [base] = measured as [Measured]
  const gigabits = ({ goodput }: Sample): number => (goodput * 8) / 1e9
  const rows = measured.map(one => [
    one.name,
    ...FIGURES.flatMap(([, figure, text]) => [
      text(of(one, figure)),
      times(median(one.samples.map((sample, i) => figure(sample) / figure(base.samples[i] as Sample)))),
    ]),
    `${of(one, gigabits).toFixed(1)} Gbit/s`,
  ])
  const { processors, processor, kernel, node } = machine()
  const title = 'Packets from a remote machine to a server behind CNI plug-ins'
  console.log(`${title}: medians of ${rounds} alternated rounds, ratios to a server on the host`)
  console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
  console.log(markdownTable([['', ...FIGURES.flatMap(([title]) => [title, '']), 'one TCP stream'], ...rows]))
  for (const line of unavailable) console.log(`\n${line}`)
  const groups = FIGURES.map(([title, figure, text]): BarGroup => ({
    title,
    bars: measured.map(one => ({
      label: one.name,
      value: of(one, figure),
      text: text(of(one, figure)),
      tone: one === base ? 'floor' : one.ours ? 'ours' : 'peer',
    })),
  }))
  const svg = join(RESULTS, 'cni-traffic.svg')
  writeFileSync(
    svg,
    barChart({ title, subtitle: `${processors} x ${processor}, Linux ${kernel}`, groups, format: duration }),
  )
  writeFileSync(
    join(RESULTS, 'cni-traffic.json'),
    `${JSON.stringify({ machine: machine(), rounds, measured }, null, 2)}\n`,
  )
  console.log(`\n${svg}`)
}

const folder = mkdtempSync(join(tmpdir(), 'bench-cni-'))
const scenes: Scene[] = [new Scene(0, 'server on the host')]
const unavailable: string[] = []
try {
  scenes.push(new Scene(1, 'rtnetlink-cni', withoutDaemon))
  const peers: [name: string, bandwidth: boolean][] = [
    ['bridge + portmap + firewall', false],
    ['bridge + portmap + firewall + bandwidth', true],
  ]
  for (const [i, [name, bandwidth]] of peers.entries()) {
    try {
      if (!hasDebianPlugIns()) throw new Error('no containernetworking-plugins, or no iptables')
      const dataDir = join(folder, String(i))
      scenes.push(new Scene(2 + i, name, host => bridgeAndPortmap(dataDir, { host, bandwidth })))
    } catch (error) {
      unavailable.push(`not run: ${name}: ${(error as Error).message.trim()}`)
    }
  }
  const [exchange, traffic] = await Promise.all([compile('exchange'), compile('traffic')])
  const samples = new Map(scenes.map(scene => [scene, [] as Sample[]]))
  await alternate(scenes, rounds, async scene => {
    samples.get(scene)?.push(await sampleOf(scene, exchange, traffic))
  })
  report(scenes.map(scene => ({ name: scene.name, ours: scene.ours, samples: samples.get(scene) ?? [] })))
} finally {
  for (const scene of scenes) scene[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
}
