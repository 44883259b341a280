import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket } from '../../../lib/index.js'
import { RESULTS } from '../folders.js'
import { machine } from '../machine.js'
import { median } from '../statistics.js'
import { textTable } from '../text-table.js'
import { DaemonProcess } from './daemon-process.js'

const containers = Number(process.argv[2] ?? 1000)
const seconds = Number(process.argv[3] ?? 60)
if (!Number.isInteger(containers) || containers < 0 || !(seconds > 0))
  throw new RangeError('npm run bench -- daemon [containers] [seconds]')

/** ADDs and DELs that are measured. */
const CALLS = 30

/** How many containers a GC takes away, and what it may take, ms. */
const GARBAGE = Math.min(300, containers)
const GC_GOAL = 1000

interface Idle {
  readonly containers: number
  readonly resident: number
  /** Share of one CPU. */
  readonly cpu: number
  readonly add: number
  readonly del: number
}

async function prepareHost(): Promise<void> {
  await using rt = await RtnetlinkSocket.open()
  await rt.links.add({ name: 'eth0', kind: 'veth', peer: { name: 'wire' } })
  for (const dev of ['lo', 'eth0', 'wire']) await rt.links.change({ dev, up: true })
  await rt.addresses.add({ dev: 'eth0', address: '10.9.0.2', prefixLength: 24 })
  await rt.routes.add({ destination: 'default', gateway: '10.9.0.1', dev: 'eth0' })
}

async function measured(daemon: DaemonProcess, count: number): Promise<Idle> {
  const netns = await NetworkNamespace.create('bench-one')
  const calls = Array.from({ length: CALLS }, () => ({
    add: daemon.call('ADD', 'one', '/run/netns/bench-one', 31_000),
    del: daemon.call('DEL', 'one', '/run/netns/bench-one'),
  }))
  await netns.delete()
  // What the calls left to collect is collected, or not, as on any idle daemon.
  await sleep(5000)
  const before = daemon.cpuTime
  await sleep(seconds * 1000)
  return {
    containers: count,
    resident: daemon.resident,
    cpu: (daemon.cpuTime - before) / (seconds * 1000),
    add: median(calls.map(({ add }) => add)),
    del: median(calls.map(({ del }) => del)),
  }
}

await prepareHost()
const rows: Idle[] = []
const namespaces: NetworkNamespace[] = []
let gc = 0
try {
  await using daemon = await DaemonProcess.start()
  rows.push(await measured(daemon, 0))
  for (let i = 0; i < containers; i++) {
    namespaces.push(await NetworkNamespace.create(`bench${i}`))
    daemon.call('ADD', `container-${i}`, `/run/netns/bench${i}`)
  }
  rows.push(await measured(daemon, containers))
  const ids = Array.from({ length: containers }, (_, i) => `container-${i}`)
  gc = daemon.collectGarbage(ids.slice(GARBAGE))
} finally {
  await PortMappingIsolator.remove()
  for (const namespace of namespaces) await namespace.delete()
}

const { processors, processor, kernel, node } = machine()
console.log(`rtnetlinkd, idle for ${seconds} s; ADD and DEL with one port: medians of ${CALLS}`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(
  textTable([
    ['containers', 'memory', 'CPU', 'ADD', 'DEL'],
    ...rows.map(({ containers, resident, cpu, add, del }) => [
      ...[String(containers), `${resident.toFixed(0)} MB`, `${(cpu * 100).toFixed(2)} %`],
      ...[`${add.toFixed(1)} ms`, `${del.toFixed(1)} ms`],
    ]),
  ]),
)
console.log(
  `\n${gc <= GC_GOAL ? 'met' : 'MISSED'}: GC of ${GARBAGE} of ${containers} containers in at most ${GC_GOAL} ms: ${gc.toFixed(0)} ms`,
)
await writeFile(
  join(RESULTS, 'daemon.json'),
  `${JSON.stringify({ machine: machine(), seconds, rows, gc: { containers: GARBAGE, milliseconds: gc } }, null, 2)}\n`,
)
