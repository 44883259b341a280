/**
 * How exactly rate limits are kept, and at what cost in dropped and marked packets, with real traffic.
 *
 *     npm run bench -- rate-limits [seconds for each]
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PortMappingIsolator } from '../lib/index.js'
import { RESULTS } from './src/folders.js'
import { runRateCase, type RateCase, type RateResult } from './src/limits/rate-case.js'
import { machine } from './src/machine.js'
import { textTable } from './src/text-table.js'

const RATES = [1, 10, 100, 1000]
const WITHIN = 0.05

const seconds = Number(process.argv[2] ?? 4)
const { fq_codel: fqCodel } = await PortMappingIsolator.probe()
const bloatReduction = fqCodel.available ? 'fq_codel' : 'none'

const cases = (['egress', 'ingress'] as const).flatMap(direction =>
  RATES.flatMap((rate): RateCase[] => {
    const common = { direction, rate, bloatReduction } as const
    return [
      { ...common, protocol: 'udp', ecn: 0 },
      { ...common, protocol: 'tcp', ecn: 0 },
      // Without fq_codel nothing marks.
      ...(fqCodel.available ? [{ ...common, protocol: 'tcp', ecn: 1 } as const] : []),
    ]
  }),
)

const results: RateResult[] = []
for (const wanted of cases) results.push(await runRateCase(wanted, seconds))

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
const rows = results.map(({ rate, goodput, onWire, drops, marks, retransmissions, ...one }) => [
  `${one.direction} ${one.protocol} ${rate} Mbit/s${one.ecn ? ', tcp_ecn 1' : ''}`,
  goodput.toFixed(2),
  percent(goodput, rate),
  percent(onWire, rate),
  ...[drops, marks, retransmissions].map(String),
])
const { processors, processor, kernel, node } = machine()
const text = [
  `Rate limits, bloatReduction '${bloatReduction}': what arrived in the second half of ${seconds} s, in Mbit/s`,
  `${processors} x ${processor}, Linux ${kernel}, Node ${node}`,
  'frames = payload * 1514 / 1448 (TCP) or 1472 (UDP): HTB counts whole Ethernet frames',
  '',
  textTable([['limit', 'payload', 'of rate', 'frames', 'drops', 'ECN marks', 'retrans.'], ...rows]),
  '',
  ...results.map(
    ({ direction, protocol, rate, goodput }) =>
      `${Math.abs(goodput / rate - 1) <= WITHIN ? 'met' : 'MISSED'}: ${direction} ${protocol} ${rate} Mbit/s: payload within 5 % of it`,
  ),
].join('\n')
console.log(text)
const name = `rate-limits-${bloatReduction}`
await writeFile(join(RESULTS, `${name}.txt`), `${text}\n`)
await writeFile(
  join(RESULTS, `${name}.json`),
  `${JSON.stringify({ machine: machine(), seconds, results }, null, 2)}\n`,
)
