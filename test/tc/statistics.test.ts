import t from 'tap'
import { binary } from '../../src/netlink/codec/index.js'
import { statistics2, statisticsOf } from '../../src/tc/statistics.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, u32, u64 } from '../helpers/netlink-bytes.js'

const codec = statistics2(binary)

const basic = (octets: bigint, packets: number): Buffer => attribute(1, u64(octets), u32(packets), u32(0))
const basicHw = (octets: bigint, packets: number): Buffer => attribute(7, u64(octets), u32(packets), u32(0))
const packets64 = (packets: bigint): Buffer => attribute(8, u64(packets))
/** TCA_STATS_PAD: on CPUs that read no unaligned word, the kernel puts it where what follows would not begin at 8 bytes. */
const pad = attribute(6)
const queue = attribute(3, u32(1), u32(2), u32(3), u32(4), u32(5))

const NONE = { drops: 0, overlimits: 0, requeues: 0, backlog: 0, qlen: 0 }

t.test('bytes, packets and the queue', async t => {
  t.strictSame(statisticsOf(decoded(codec, bytes(basic(1n << 40n, 7), queue))), {
    ...{ bytes: 1n << 40n, packets: 7n },
    ...{ qlen: 1, backlog: 2, drops: 3, requeues: 4, overlimits: 5 },
  })
  t.strictSame(
    statisticsOf(undefined),
    { bytes: 0n, packets: 0n, ...NONE },
    'all zero where there is nothing',
  )
})

t.test('TCA_STATS_PKT64 counts what the attribute before it counts', async t => {
  const software = bytes(basic(9000n, 0), packets64((1n << 32n) + 5n), queue)
  t.match(statisticsOf(decoded(codec, software)), { packets: (1n << 32n) + 5n, hardware: undefined })

  const hardware = bytes(basic(9000n, 6), basicHw(5000n, 1), packets64((1n << 32n) + 1n))
  t.match(statisticsOf(decoded(codec, hardware)), {
    packets: 6n,
    hardware: { bytes: 5000n, packets: (1n << 32n) + 1n },
  })

  const both = bytes(basic(9000n, 0), packets64(1n << 33n), basicHw(5000n, 1), packets64(1n << 32n), queue)
  t.match(statisticsOf(decoded(codec, both)), { packets: 1n << 33n, hardware: { packets: 1n << 32n } })
  for (const nest of [software, hardware, both])
    t.same(encoded(codec, decoded(codec, nest)), Uint8Array.from(nest), 'encoded again as it came')
})

t.test('a pad between them changes nothing', async t => {
  const nest = bytes(
    basic(9000n, 6),
    pad,
    packets64(1n << 33n),
    basicHw(5000n, 1),
    pad,
    packets64(1n << 32n),
    queue,
  )
  t.match(statisticsOf(decoded(codec, nest)), { packets: 1n << 33n, hardware: { packets: 1n << 32n } })
})

t.test('hardware that carried nothing is not mentioned', async t => {
  t.notOk('hardware' in statisticsOf(decoded(codec, bytes(basic(9n, 1), basicHw(0n, 0)))))
})

t.test('rate estimates, the wider one first', async t => {
  const narrow = attribute(2, u32(100), u32(2))
  const wide = attribute(5, u64(1n << 33n), u64(3n))
  t.match(statisticsOf(decoded(codec, narrow)), { rate: { bytes: 100n, packets: 2n } })
  t.match(statisticsOf(decoded(codec, bytes(narrow, wide))), { rate: { bytes: 1n << 33n, packets: 3n } })
})

t.test('the 32-bit form of before TCA_STATS2', async t => {
  const old = { bytes: 10n, packets: 2, drops: 1, overlimits: 0, bps: 0, pps: 0, qlen: 4, backlog: 6 }
  t.strictSame(statisticsOf(undefined, old), {
    bytes: 10n,
    packets: 2n,
    ...NONE,
    drops: 1,
    qlen: 4,
    backlog: 6,
  })
})

t.test('what a newer kernel adds is kept', async t => {
  const nest = bytes(basic(1n, 1), attribute(99, u32(7)))
  t.match(decoded(codec, nest), { unknown: [{ type: 99 }] })
  t.same(encoded(codec, decoded(codec, nest)), Uint8Array.from(nest))
})

t.test('a struct that is too short reads as if followed by zeros', async t => {
  t.match(statisticsOf(decoded(codec, attribute(3, u32(1), u32(2)))), { qlen: 1, backlog: 2, drops: 0 })
})

t.test('an error names the attribute', async t => {
  const cut = bytes(basic(1n, 1), '2000 0300 0000')
  t.throws(() => decoded(codec, cut), { code: 'ERR_NETLINK_DECODE', path: 'TCA_STATS_QUEUE' })
})
