import { machine } from '../machine.js'
import { median } from '../statistics.js'
import { textTable } from '../text-table.js'
import { times } from '../units.js'
import { Scene } from '../usage/scene.js'

const COUNTS = [1, 100, 1000]

/** Calls before the measured ones, in which V8 compiles. */
const WARM_UPS = 5

/** `verify()` of everything takes longer, and is not what is compared. */
const CALLS_OF_ALL = 5

const calls = Number(process.argv[2] ?? 41)
if (!Number.isInteger(calls) || calls < 1) throw new RangeError(`${process.argv[2]} is not a number of calls`)

async function medianOf(count: number, call: () => Promise<unknown>): Promise<number> {
  const measured: number[] = []
  for (let i = -WARM_UPS; i < count; i++) {
    const began = performance.now()
    await call()
    if (i >= 0) measured.push(performance.now() - began)
  }
  return median(measured)
}

interface Summary {
  readonly containers: number
  readonly one: number
  readonly repair: number
  readonly all: number
}

const summaries: Summary[] = []
await using scene = await Scene.create({})
for (const containers of COUNTS) {
  await scene.fill(containers)
  const { isolator } = scene
  const last = `container-${containers - 1}`
  summaries.push({
    containers,
    one: await medianOf(calls, () => isolator.verify(last)),
    repair: await medianOf(calls, () => isolator.repair(last)),
    all: await medianOf(CALLS_OF_ALL, () => isolator.verify()),
  })
}

const ms = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`
const { processors, processor, kernel, node } = machine()
const [base] = summaries as [Summary]
console.log(`Looking at the last container and at all: medians of ${calls} and ${CALLS_OF_ALL} calls`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(
  textTable([
    ['containers', 'verify(id)', '', 'repair(id)', '', 'verify()'],
    ...summaries.map(({ containers, one, repair, all }) => [
      ...[String(containers), ms(one), times(one / base.one)],
      ...[ms(repair), times(repair / base.repair), ms(all)],
    ]),
  ]),
)
