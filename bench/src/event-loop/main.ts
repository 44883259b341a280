import { fork } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PortMappingIsolator } from '../../../lib/index.js'
import { createTopology } from '../../../test/helpers/topology.js'
import { RESULTS } from '../folders.js'
import { machine } from '../machine.js'
import { quantile } from '../statistics.js'
import { duration } from '../units.js'

const HOLDER = fileURLToPath(new URL('../../../test/native/fixtures/hold-rtnl.ts', import.meta.url))
/** The least that the lock has to be held for. */
const HOLD_MS = 2000
/** More than the pool of libuv has threads. */
const CONTAINERS = 8
const NANOSECONDS_PER_MILLISECOND = 1e6

interface Outcome {
  heldMs: number
  isolatedAfterMs: number
  delay: { p50: number; p99: number; max: number }
  /** What a file read and a hash took, each time in nanoseconds. */
  others: number[]
}

/** Isolates containers while another process removes so many links under one hold of the lock. */
async function contend(links: number): Promise<Outcome> {
  await using topology = await createTopology({ containers: CONTAINERS, prefix: 'b' })
  const isolator = await PortMappingIsolator.create({
    netns: topology.host.name,
    ports: '31000-31999',
    ephemeralPorts: '20480-30719',
  })
  const holder = fork(HOLDER, [String(links)])
  try {
    await once(holder, 'message')
    holder.send('hold')
    await once(holder, 'message')
    const released = once(holder, 'message') as Promise<[number]>

    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    const began = performance.now()
    let waiting = true
    const isolating = Promise.all(
      topology.containers.map(({ name }, i) => isolator.isolate(`web-${i}`, { netns: name })),
    ).then(() => {
      waiting = false
      return performance.now() - began
    })
    const others: number[] = []
    while (waiting) others.push(await fileAndHash())
    histogram.disable()
    const isolatedAfterMs = await isolating
    const [heldMs] = await released
    const { max } = histogram
    const delay = { p50: histogram.percentile(50), p99: histogram.percentile(99), max }
    return { heldMs, isolatedAfterMs, delay, others }
  } finally {
    holder.kill()
    await isolator.destroy()
  }
}

/** What uses the threads of libuv's pool. */
async function fileAndHash(): Promise<number> {
  const began = performance.now()
  await readFile('/proc/self/stat')
  await promisify(pbkdf2)('rtnetlink', 'salt', 1000, 32, 'sha256')
  return (performance.now() - began) * NANOSECONDS_PER_MILLISECOND
}

let outcome: Outcome
let links = 128
do {
  outcome = await contend(links)
  links *= 2
} while (outcome.heldMs < HOLD_MS)

const { heldMs, isolatedAfterMs, delay, others } = outcome
const ms = (value: number): string => duration(value * NANOSECONDS_PER_MILLISECOND)
const { processors, processor, kernel, node } = machine()
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(`another process held the RTNL lock for ${ms(heldMs)}`)
console.log(`${CONTAINERS} containers were isolated after ${ms(isolatedAfterMs)}`)
console.log(
  `loop delay: p50 ${duration(delay.p50)}, p99 ${duration(delay.p99)}, at most ${duration(delay.max)}`,
)
console.log(
  `meanwhile ${others.length} times a file was read and a hash made: p50 ${duration(quantile(others, 0.5))}, p99 ${duration(quantile(others, 0.99))}`,
)
await writeFile(
  join(RESULTS, 'event-loop.json'),
  `${JSON.stringify({ machine: machine(), heldMs, isolatedAfterMs, delay, others: others.length }, null, 2)}\n`,
)
