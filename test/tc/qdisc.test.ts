import t from 'tap'
import { qdisc, trafficClass, type ClassSpec, type QdiscSpec } from '../../src/tc/index.js'
import { fqCodelXstats } from '../../src/tc/kinds/fq-codel.js'
import { decoded, encoded } from '../helpers/coding.js'
import { bytes, u32 } from '../helpers/netlink-bytes.js'
import { again, devices, sent } from './encode.js'

const root = { dev: 'd0', parent: 'root', handle: '1:' } as const
const child = { dev: 'd0', parent: '1:', classid: '1:10', kind: 'htb' } as const

const refuse = (spec: QdiscSpec) => () => qdisc.toNew(spec, devices, 'add')
const refuseClass = (spec: ClassSpec) => () => trafficClass.toNew(spec, devices, 'add')

t.test('qdiscs come back as they were, and have a command', async t => {
  const cases: [spec: QdiscSpec, command: string][] = [
    [{ dev: 'd0', kind: 'ingress' }, 'tc qdisc add dev d0 ingress'],
    [{ dev: 'd0', kind: 'clsact', ingressBlock: 7 }, 'tc qdisc add dev d0 ingress_block 7 clsact'],
    [{ ...root, kind: 'htb', defaultClass: 0x10 }, 'tc qdisc add dev d0 root handle 1: htb default 10'],
    [
      { ...root, kind: 'fq_codel', flows: 8192, ecn: false },
      'tc qdisc add dev d0 root handle 1: fq_codel flows 8192 noecn',
    ],
    [{ dev: 'd0', parent: '1:10', kind: 'pfifo', limit: 7 }, 'tc qdisc add dev d0 parent 1:10 pfifo limit 7'],
    [
      { ...root, kind: 'tbf', rate: 1n << 33n, burst: 10_000, limit: 20_000 },
      'tc qdisc add dev d0 root handle 1: tbf rate 8589934592bps burst 10000 limit 20000',
    ],
    [
      { ...root, kind: 'netem', options: Uint8Array.of(1, 2) },
      'tc qdisc add dev d0 root handle 1: netem # TCA_OPTIONS 0102',
    ],
  ]
  for (const [spec, command] of cases) {
    const read = again(qdisc, spec)
    const rate = 'rate' in spec ? { rate: Number(spec.rate) } : {}
    t.match(read, { ...spec, ...rate, ifindex: 7 }, command)
    t.equal(qdisc.command('add', spec), command)
    t.equal(qdisc.command('add', read), command, 'of what was read')
  }
})

t.test('classes come back as they were, and have a command', async t => {
  const spec: ClassSpec = {
    ...child,
    rate: 1_250_000,
    ceil: 1n << 40n,
    burst: 16_000,
    cburst: 70_400,
    priority: 3,
    quantum: 3000,
  }
  const read = again(trafficClass, spec)
  t.match(
    read,
    { ...spec, ceil: 2 ** 40, cburst: 140_737 },
    'a burst is as long as whole ticks, here of 70368 bytes',
  )
  t.equal(
    trafficClass.command('add', spec),
    'tc class add dev d0 parent 1: classid 1:10 htb rate 1250000bps ceil 1099511627776bps burst 16000 cburst 70400 prio 3 quantum 3000',
  )
  t.equal(trafficClass.command('delete', { dev: 'd0', classid: '1:10' }), 'tc class del dev d0 classid 1:10')
  t.match(
    again(trafficClass, { ...child, rate: 1000 }),
    { ceil: 1000, burst: 1600, cburst: 1600, priority: 0 },
    'defaults',
  )
})

t.test('rate tables are not sent', async t => {
  t.strictSame(Object.keys(sent(trafficClass, { ...child, rate: 1000 }).attributes['options'] as object), [
    'parms',
  ])
})

t.test('bad input is refused before the kernel sees it', async t => {
  t.throws(refuse({ ...root, dev: 'eth9', kind: 'htb' }), { code: 'ENODEV' })
  t.throws(refuse({ ...root, handle: '1:1', kind: 'htb' }), { message: /its minor part is not 0/ })
  t.throws(refuse({ dev: 'd0', kind: 'htb' } as never), { message: /: parent is missing/ })
  t.throws(refuse({ ...root, kind: 'htb', defaultClass: 0x10000 }), { message: /: defaultClass is 65536/ })
  t.throws(refuse({ ...root, kind: 'htb', rateToQuantum: 0 }), { message: /: rateToQuantum is 0/ })
  t.throws(refuse({ ...root, kind: 'fq_codel', flows: -1 }), { message: /: flows is -1/ })
  t.throws(refuse({ ...root, kind: 'pfifo', limit: 2 ** 32 }), { message: /: limit is 4294967296/ })
  for (const [kind, table] of Object.entries({ red: 'RED', choke: 'CHOKE', gred: 'GRED' })) {
    // TCA_RED_PARMS, TCA_CHOKE_PARMS and TCA_GRED_PARMS are 1, as listed: without the table.
    const listed = { ...root, kind: kind as 'red', options: Uint8Array.from([8, 0, 1, 0, 1, 0, 0, 0]) }
    t.throws(refuse(listed), {
      name: 'TypeError',
      message: new RegExp(`options: ${kind} needs TCA_${table}_STAB`),
    })
  }
  t.throws(refuse({ ...root, kind: 'tbf', rate: 1000, burst: 0, limit: 1 }), { message: /: burst is 0/ })
  t.throws(refuse({ ...root, kind: 'tbf', rate: 1000, burst: 1, limit: 1, peakRate: 2000 } as never), {
    message: /: peakBurst is missing/,
  })
  t.throws(refuse({ ...root, kind: 'tbf', rate: 1000, burst: 1, limit: 1, peakBurst: 2000 } as never), {
    message: /: 'peakBurst' goes with 'peakRate' only/,
  })
  t.throws(refuseClass({ ...child, rate: 0 }), { message: /: rate is 0/ })
  t.throws(refuseClass({ ...child, rate: undefined as never }), { message: /: rate is missing/ })
  t.throws(refuseClass({ ...child, rate: 1000, priority: 8 }), { message: /: priority is 8/ })
  t.throws(refuseClass({ ...child, rate: 1000, burst: 300_000 }), { message: /: burst is 300000/ })
  t.throws(refuseClass({ ...child, rate: 1000, overhead: -1 }), { message: /: overhead is -1/ })
  t.throws(refuseClass({ ...child, classid: 'root', rate: 1000 }), TypeError)
})

t.test('the key of a qdisc', async t => {
  t.match(qdisc.toDelete({ dev: 'd0', kind: 'clsact' }, devices), {
    parent: 0xfffffff1,
    handle: 0xffff0000,
    attributes: { kind: 'clsact' },
  })
  t.match(qdisc.toDelete({ dev: 'd0', parent: 'root', handle: '1:' }, devices), {
    parent: 0xffffffff,
    handle: 0x10000,
  })
  t.throws(() => qdisc.toDelete({ dev: 'd0' } as never, devices), { message: /: parent is missing/ })
  t.equal(
    qdisc.command('delete', { dev: 'd0', parent: 'root', handle: '1:' }),
    'tc qdisc del dev d0 root handle 1:',
  )
})

t.test('a list of one device is narrowed here, which the kernel does not do', async t => {
  const read = again(qdisc, { dev: 'd0', kind: 'clsact' })
  t.equal(qdisc.matches?.(read, { dev: 'd0' }, devices), true)
  t.equal(qdisc.matches?.(read, { dev: 'd1' }, devices), false)
  t.equal(qdisc.matches?.(read, {}, devices), true)
})

t.test('fq_codel counts for the qdisc and for a flow', async t => {
  const ofQdisc = bytes(u32(0), ...[1514, 2, 3, 4, 5, 6, 7, 8, 9].map(u32))
  t.match(decoded(fqCodelXstats, ofQdisc), { type: 'qdisc', maxpacket: 1514, ecnMark: 3, dropOvermemory: 9 })
  const ofFlow = bytes(u32(1), u32(-100), u32(20), u32(3), u32(4), u32(1), u32(-5))
  t.match(decoded(fqCodelXstats, ofFlow), { type: 'class', deficit: -100, ldelay: 20, dropNext: -5 })
  t.match(
    decoded(fqCodelXstats, ofQdisc.subarray(0, 28)),
    { type: 'qdisc', oldFlowsLen: 6, ceMark: 0 },
    'of an older kernel',
  )
  for (const form of [ofQdisc, ofFlow])
    t.same(encoded(fqCodelXstats, decoded(fqCodelXstats, form)), Uint8Array.from(form))
})
