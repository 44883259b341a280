/**
 * The scenarios of Mesos's src/tests/containerizer/routing_tests.cpp by its names, here those of qdiscs. Its `Try<bool>`
 * that is false for "already there" or "not there" is an error with a code in ours.
 */
import t, { type Test } from 'tap'
import { describeU32Keys, u32, type Qdisc, type QdiscKey, type QdiscSpec } from '../../src/tc/index.js'
import type { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { allOf, hasFilter, hasQdisc } from '../helpers/privilege.js'
import { u32Nodes } from './u32-nodes.js'
import { needsVeth, PEER, scratchWithPair, VETH } from './veth-pair.js'

const NO_SUCH = 'noSuchInterface'

/** A qdisc but for its device. */
type Kind = QdiscSpec extends infer Spec ? (Spec extends QdiscSpec ? Omit<Spec, 'dev'> : never) : never

const on = (dev: string, kind: Kind): QdiscSpec & QdiscKey => ({ ...kind, dev })

/** The qdisc of this kind on the device, if any. */
const find = (rt: RtnetlinkSocketSync, dev: string, { kind }: Kind): Qdisc | undefined =>
  rt.qdiscs.list({ dev }).find(qdisc => qdisc.kind === kind)

/** What Mesos asserts of every kind: `ROOT_IngressQdisc`, `ROOT_HTBQdisc`, `ROOT_FqCodeQdisc`. */
async function createsAndRemoves(t: Test, kind: Kind): Promise<void> {
  const { rt } = await scratchWithPair(t)
  const add = (dev: string) => rt.qdiscs.add(on(dev, kind))
  const remove = (dev: string) => rt.qdiscs.delete(on(dev, kind))
  /** Whether there is one on each end. */
  const present = () => [VETH, PEER].map(dev => find(rt, dev, kind) !== undefined)

  t.throws(() => find(rt, NO_SUCH, kind), { code: 'ENODEV' })
  t.same(present(), [false, false])
  t.throws(() => add(NO_SUCH), { code: 'ENODEV' })

  add(VETH)
  t.same(present(), [true, false])
  const { statistics } = find(rt, VETH, kind)!
  for (const counter of ['packets', 'bytes', 'qlen', 'backlog', 'drops', 'requeues', 'overlimits'] as const)
    t.match(String(statistics[counter]), /^\d+$/, counter)
  // Mesos's libnl gives rates of 0 for "no estimator", which ours leaves out.
  t.equal(statistics.rate, undefined)

  t.throws(() => add(VETH), { code: 'EEXIST' }, 'a second one')
  t.same(present(), [true, false])
  remove(VETH)
  t.same(present(), [false, false])
  t.throws(() => remove(NO_SUCH), { code: 'ENODEV' })
  t.throws(() => remove(VETH), { code: /^(ENOENT|EINVAL)$/ }, 'one that is not there')
  t.same(present(), [false, false])
}

t.test('IngressQdisc', allOf(needsVeth(), hasQdisc('ingress')), t =>
  createsAndRemoves(t, { kind: 'ingress' }),
)

/** The handle that Mesos uses throughout, and none, which leaves the choice to the kernel. */
const HANDLES = [{ handle: '1:' }, {}]

t.test('HTBQdisc', allOf(needsVeth(), hasQdisc('htb')), async t => {
  for (const handle of HANDLES) await createsAndRemoves(t, { kind: 'htb', parent: 'root', ...handle })
})

t.test('FqCodelQdisc', allOf(needsVeth(), hasQdisc('fq_codel')), async t => {
  for (const handle of HANDLES) await createsAndRemoves(t, { kind: 'fq_codel', parent: 'root', ...handle })
})

t.test('FqCodelClassifier', allOf(needsVeth(), hasQdisc('fq_codel'), hasFilter('u32')), async t => {
  const { rt } = await scratchWithPair(t)
  rt.qdiscs.add({ dev: VETH, parent: 'root', handle: '1:', kind: 'fq_codel' })
  const mac = rt.links.get(VETH).address!
  const place = { dev: VETH, parent: '1:', kind: 'u32', handle: '::1' } as const
  // Mesos has basic for the first two: u32 without keys is the same, and needs one module less.
  rt.filters.add({ ...place, priority: 4, protocol: 'all', classid: '1:0' })
  rt.filters.add({ ...place, priority: 3, protocol: 'arp', classid: '1:0' })
  rt.filters.add({ ...place, priority: 2, protocol: 'ip', keys: [u32.protocol('icmp')], classid: '1:0' })
  rt.filters.add({
    ...{ ...place, priority: 1, protocol: 'ip', classid: '1:1' },
    keys: [
      u32.destinationMac(mac),
      u32.destinationAddress('1.2.3.4'),
      u32.ihl(5),
      u32.sourcePorts(1024, 1027),
      u32.destinationPort(2000),
    ],
  })

  const nodes = u32Nodes(rt, VETH, '1:')
  t.match(
    nodes.map(({ priority, protocol, classid }) => [priority, protocol, classid]),
    [
      [1, 'ip', '1:1'],
      [2, 'ip', '1:'],
      [3, 'arp', '1:'],
      [4, 'all', '1:'],
    ],
  )
  t.same(describeU32Keys(nodes[1]?.keys ?? []), [{ match: 'protocol', value: 1 }])
  t.same(describeU32Keys(nodes[0]?.keys ?? []), [
    { match: 'destinationMac', address: mac },
    { match: 'ihl', value: 5 },
    { match: 'destinationAddress', prefix: '1.2.3.4/32' },
    { match: 'sourcePort', first: 1024, last: 1027 },
    { match: 'destinationPort', first: 2000, last: 2000 },
  ])
})
