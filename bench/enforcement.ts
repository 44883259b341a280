/**
 * What is left of a limit on what a container sends when the container is root and does not want it, and what a flood of
 * tiny packets does to its neighbour: with the limit inside the container, as in Mesos, and on the host.
 *
 *     npm run bench -- enforcement [seconds for each]
 */
import { runFlood, runQuiet, runTampered } from './src/limits/enforcement.js'
import { textTable } from './src/text-table.js'

const seconds = Number(process.argv[2] ?? 4)
const RATE = 100
const FLOOD_RATE = 10

console.log(`Limit ${RATE} Mbit/s, which the container has deleted inside: megabits of payload per second`)
const tampered = [await runTampered('container', RATE, seconds), await runTampered('host', RATE, seconds)]
console.log(
  textTable([
    ['egressEnforcement', 'to the wire', 'to a container', 'to the host', 'with another MAC and address'],
    ...tampered.map(({ enforcement, ...goodput }) => [
      enforcement,
      ...Object.values(goodput).map(megabits => megabits.toFixed(1)),
    ]),
  ]),
)

console.log(`\nLimit ${FLOOD_RATE} Mbit/s, a flood of frames of 60 bytes`)
const quiet = await runQuiet(seconds)
const floods = []
for (const enforcement of ['none', 'container', 'host'] as const)
  floods.push(await runFlood(enforcement, FLOOD_RATE, seconds))
const milliseconds = (number: number): string => `${number.toFixed(2)} ms`
console.log(
  textTable([
    ['', 'packets per second', 'neighbour p50', 'p99'],
    ['no flood', '', milliseconds(quiet.p50), milliseconds(quiet.p99)],
    ...floods.map(({ enforcement, passed, neighbour }) => [
      enforcement === 'none' ? 'no limit' : `limit, '${enforcement}'`,
      passed.toFixed(0),
      milliseconds(neighbour.p50),
      milliseconds(neighbour.p99),
    ]),
  ]),
)
