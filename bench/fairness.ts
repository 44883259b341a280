/**
 * What a container that pings sees of two that flood, when all share an uplink of 20 Mbit/s: with and without a flow of
 * its own for each container. Needs fq_codel.
 *
 *     npm run bench -- fairness [seconds for each]
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RESULTS } from './src/folders.js'
import { runFairness, UPLINK, type Fairness } from './src/limits/fairness.js'
import { machine } from './src/machine.js'
import { textTable } from './src/text-table.js'

const seconds = Number(process.argv[2] ?? 8)
const results: Fairness[] = []
for (const queue of ['pfifo', 'fq_codel', 'unique flows'] as const)
  results.push(await runFairness(queue, seconds))

const { processors, processor, kernel, node } = machine()
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`
const text = [
  `Two containers flood the uplink, an HTB class of ${UPLINK} Mbit/s, and a third pings through it`,
  `${processors} x ${processor}, Linux ${kernel}, Node ${node}, ${seconds} s each`,
  'container 1 floods by four TCP connections, container 2 by one; Mbit/s of payload',
  '',
  textTable([
    ['queue of the class', 'ping p50', 'p99', 'lost', 'container 1', 'container 2'],
    ...results.map(({ queue, ping, goodput }) => [
      queue,
      milliseconds(ping.p50),
      milliseconds(ping.p99),
      `${ping.sent - ping.answered} of ${ping.sent}`,
      ...goodput.map(rate => rate.toFixed(2)),
    ]),
  ]),
].join('\n')
console.log(text)
await writeFile(join(RESULTS, 'fairness.txt'), `${text}\n`)
await writeFile(
  join(RESULTS, 'fairness.json'),
  `${JSON.stringify({ machine: machine(), seconds, results }, null, 2)}\n`,
)
