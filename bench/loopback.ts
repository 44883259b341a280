/**
 * What `create()` costs the host's own loopback traffic: it gives lo the public interface's MTU, 1500 instead of 65536.
 *
 *     npm run bench -- loopback [rounds] [seconds for each]
 */
import { RtnetlinkSocket } from '../lib/index.js'
import { createTopology } from '../test/helpers/topology.js'
import { alternate } from './src/alternate.js'
import { IsolatedHost } from './src/limits/isolated-host.js'
import { runStream } from './src/limits/traffic.js'
import { median } from './src/statistics.js'
import { textTable } from './src/text-table.js'

const rounds = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 2)
const BYTES_PER_GIGABIT = 125_000_000

/** A host without an isolator, and one with it: with the MTU that lo has by itself, and with the one that it is given. */
const CASES = ['without', 'filters only', 'create()'] as const
const LOOPBACK_MTU = 65_536
const ETHERNET_MTU = 1500

await using bare = await createTopology({ containers: 0, prefix: 'b' })
await using scene = await IsolatedHost.create(0, {})
const { host } = scene.topology
await using rt = await RtnetlinkSocket.open({ netns: host.name })
const results = new Map<(typeof CASES)[number], number[]>(CASES.map(kind => [kind, []]))

await alternate(CASES, rounds, async kind => {
  const where = kind === 'without' ? bare.host : host
  if (where === host)
    await rt.links.change({ dev: 'lo', mtu: kind === 'create()' ? ETHERNET_MTU : LOOPBACK_MTU })
  const stream = {
    protocol: 'tcp',
    from: where,
    to: where,
    address: '127.0.0.1',
    port: 5000,
    seconds,
  } as const
  results.get(kind)?.push((await runStream(stream)).goodput / BYTES_PER_GIGABIT)
})
const [without = NaN, filtersOnly = NaN, created = NaN] = CASES.map(kind => median(results.get(kind) ?? []))
const row = (what: string, goodput: number): string[] => [
  what,
  goodput.toFixed(1),
  `${(goodput / without).toFixed(2)}x`,
]
console.log(
  textTable([
    ['one TCP stream on 127.0.0.1', 'Gbit/s', ''],
    row('without an isolator, MTU 65536', without),
    row('with its filters on lo, MTU 65536', filtersOnly),
    row('after create(), MTU 1500', created),
  ]),
)
