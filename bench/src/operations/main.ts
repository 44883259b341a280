import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket } from '../../../lib/index.js'
import { machine } from '../machine.js'
import { median } from '../statistics.js'
import { textTable } from '../text-table.js'
import { times } from '../units.js'

const COUNTS = [0, 100, 1000]

/** Calls before the measured ones, in which V8 compiles. */
const WARM_UPS = 3

const calls = Number(process.argv[2] ?? 11)
if (!Number.isInteger(calls) || calls < 1) throw new RangeError(`${process.argv[2]} is not a number of calls`)

const OPTIONS = {
  publicInterface: 'eth0',
  ephemeralPorts: '2048-28671',
  ephemeralPortsPerContainer: 16,
} as const

/** The host is the namespace that this program was started in. */
async function layHost(): Promise<void> {
  await using rt = await RtnetlinkSocket.open()
  await rt.links.add({ name: 'eth0', kind: 'veth', peer: { name: 'wire' } })
  for (const dev of ['lo', 'eth0', 'wire']) await rt.links.change({ dev, up: true })
  await rt.addresses.add({ dev: 'eth0', address: '10.9.0.2', prefixLength: 24 })
  await rt.routes.add({ destination: 'default', gateway: '10.9.0.1', dev: 'eth0' })
}

/** Makes a host with so many containers, and lets go of them. */
async function fill(containers: number): Promise<void> {
  const isolator = await PortMappingIsolator.create(OPTIONS)
  for (let i = 0; i < containers; i++) {
    await using netns = await NetworkNamespace.create()
    await isolator.isolate(`container-${i}`, { netns })
  }
  await isolator.close()
}

async function timed<T>(work: () => Promise<T>): Promise<{ took: number; result: T }> {
  const began = performance.now()
  const result = await work()
  return { took: performance.now() - began, result }
}

/** By call, what each took, ms. */
type Measured = Record<'create' | 'inspect' | 'verify' | 'isolate' | 'cleanup', number[]>

/** What each call takes once, of a program that is started again. */
async function round(containers: number, measured: Measured): Promise<void> {
  const { took: create, result: isolator } = await timed(() => PortMappingIsolator.create(OPTIONS))
  try {
    measured.create.push(create)
    measured.inspect.push((await timed(() => PortMappingIsolator.inspect())).took)
    await isolator.recover('all')
    await using netns = await NetworkNamespace.create()
    measured.isolate.push((await timed(() => isolator.isolate('further', { netns }))).took)
    const last = containers > 0 ? `container-${containers - 1}` : 'further'
    measured.verify.push((await timed(() => isolator.verify(last))).took)
    measured.cleanup.push((await timed(() => isolator.cleanup('further'))).took)
  } finally {
    await isolator.close()
  }
}

const NAMES = ['create', 'inspect', 'verify', 'isolate', 'cleanup', 'remove'] as const

interface Row {
  readonly containers: number
  /** Medians, ms. */
  readonly took: Readonly<Record<(typeof NAMES)[number], number>>
}

async function row(containers: number): Promise<Row> {
  await fill(containers)
  const measured: Measured = { create: [], inspect: [], verify: [], isolate: [], cleanup: [] }
  for (let i = 0; i < WARM_UPS + calls; i++) await round(containers, measured)
  const medianOf = (name: keyof Measured): number => median(measured[name].slice(WARM_UPS))
  const { took: remove, result } = await timed(() => PortMappingIsolator.remove())
  if (result.left.length > 0) throw new Error(result.left.join('\n'))
  return {
    containers,
    took: {
      create: medianOf('create'),
      inspect: medianOf('inspect'),
      verify: medianOf('verify'),
      isolate: medianOf('isolate'),
      cleanup: medianOf('cleanup'),
      remove,
    },
  }
}

await layHost()
const rows: Row[] = []
for (const containers of COUNTS) rows.push(await row(containers))

const ms = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`
const { processors, processor, kernel, node } = machine()
const [base] = rows as [Row]
console.log(`Calls of a program that is started again: medians of ${calls}; remove once, of everything`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(
  textTable([
    ['containers', ...NAMES.flatMap(name => [name, '']), 'create / inspect'],
    ...rows.map(({ containers, took }) => [
      String(containers),
      ...NAMES.flatMap(name => [ms(took[name]), times(took[name] / base.took[name])]),
      times(took.create / took.inspect),
    ]),
  ]),
)
