import { judge } from '../goals.js'
import { machine } from '../machine.js'
import { measure } from '../measure.js'
import { reportText, writeReport } from '../report.js'
import { summarize } from '../summary.js'
import { batchedByThread, batchedFloor, singleByThread, singleFloor } from './contenders/floor.js'
import { libnl } from './contenders/libnl.js'
import { nodeNetlink } from './contenders/node-netlink.js'
import { pyroute2 } from './contenders/pyroute2.js'
import { rtnetlinkAsync, rtnetlinkBatch, rtnetlinkBatchSync, rtnetlinkSync } from './contenders/rtnetlink.js'
import { tcBatch, tcProcesses } from './contenders/tc.js'
import { Scene } from './scene.js'
import { FILTERS, FILTERS_PER_TABLE } from './workload.js'

const DEFAULT_ROUNDS = 13

const contenders = [
  singleFloor,
  batchedFloor,
  singleByThread,
  batchedByThread,
  rtnetlinkSync,
  rtnetlinkAsync,
  rtnetlinkBatch,
  rtnetlinkBatchSync,
  libnl,
  pyroute2,
  nodeNetlink,
  tcBatch,
  tcProcesses,
]

const goals = [
  { contender: rtnetlinkBatch.name, ratio: 1.2 },
  { contender: rtnetlinkSync.name, ratio: 1.5 },
  { contender: rtnetlinkAsync.name, above: 60_000 },
]

const rounds = Number(process.argv[2] ?? DEFAULT_ROUNDS)
if (!Number.isInteger(rounds) || rounds < 1)
  throw new RangeError(`${process.argv[2]} is not a number of rounds`)

await using scene = await Scene.create()
const { samples, unavailable } = await measure(contenders, scene.workload, {
  rounds,
  clear: () => scene.clear(),
  state: () => scene.state(),
})
const summaries = summarize(samples)
const report = {
  name: 'filter-install',
  title: 'Installing u32 filters that redirect to a veth',
  method: `${FILTERS} filters, ${FILTERS_PER_TABLE} in a table, ${rounds} rounds in rotating order, medians over rounds`,
  machine: machine(),
  summaries,
  unavailable,
  verdicts: judge(goals, summaries),
}
console.log(reportText(report))
for (const path of await writeReport(report)) console.log(`written: ${path}`)
