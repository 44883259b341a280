/** What the run time refuses for the shape of it, TypeScript refuses as well: these calls do not compile. */
import t from 'tap'
import type { Link, Route, RtnetlinkBatch, RtnetlinkSocketSync } from '../../src/index.js'

const bytes = new Uint8Array(4)

/** The calls are compiled, not made. */
function links(rt: RtnetlinkSocketSync, batch: RtnetlinkBatch): void {
  // @ts-expect-error -- a VLAN has an id
  rt.links.add({ name: 'a', kind: 'vlan', link: 'eth0' })
  // @ts-expect-error -- `dev` says which link to change
  rt.links.add({ dev: 'eth0' })
  // @ts-expect-error -- the same
  rt.links.replace({ dev: 'eth0', kind: 'dummy' })
  // @ts-expect-error -- which link
  rt.links.change({ up: true })
  // @ts-expect-error -- bytes of which kind
  rt.links.add({ name: 'a', data: bytes })
  // @ts-expect-error -- an option of a bridge
  rt.links.add({ name: 'a', kind: 'dummy', stpState: 1 })
  // @ts-expect-error -- what is set by a second message, in one message
  rt.links.replace({ name: 'a', kind: 'dummy', alias: 'it is a' })
  // @ts-expect-error -- the same
  batch.links.add({ name: 'a', kind: 'dummy', inet6: { addrGenMode: 'none' } })
  // @ts-expect-error -- the peer of a listed link has no kind
  rt.links.add({ name: 'a', kind: 'veth', peer: { kind: 'veth' } })
}

function routes(rt: RtnetlinkSocketSync, batch: RtnetlinkBatch): void {
  // @ts-expect-error -- which of the routes to it
  rt.routes.delete({ destination: '10.0.0.0/8' })
  // @ts-expect-error -- the same
  batch.routes.delete({ destination: '10.0.0.0/8', type: 'unicast' })
  // @ts-expect-error -- how a route is looked up, in one that is made
  rt.routes.add({ destination: '10.0.0.0/8', fibMatch: true })
  // @ts-expect-error -- an encapsulation of no type
  rt.routes.add({ destination: '10.0.0.0/8', encapsulation: { data: bytes } })
}

const place = { dev: 'eth0', parent: 'root' } as const
const filter = { dev: 'eth0', parent: 'ingress', priority: 1, protocol: 'ip' } as const

function trafficControl(rt: RtnetlinkSocketSync): void {
  // @ts-expect-error -- tbf has a limit
  rt.qdiscs.add({ ...place, kind: 'tbf', rate: 1, burst: 1 })
  // @ts-expect-error -- a peak has a burst
  rt.qdiscs.add({ ...place, kind: 'tbf', rate: 1, burst: 1, limit: 1, peakRate: 2 })
  // @ts-expect-error -- and a burst of it a rate
  rt.qdiscs.add({ ...place, kind: 'tbf', rate: 1, burst: 1, limit: 1, peakBurst: 2 })
  // @ts-expect-error -- a qdisc that is no hook has a parent
  rt.qdiscs.add({ dev: 'eth0', kind: 'htb' })
  // @ts-expect-error -- raw bytes of a kind that is modelled
  rt.qdiscs.add({ ...place, kind: 'fq_codel', options: bytes })
  // @ts-expect-error -- a class of htb has a rate
  rt.classes.add({ dev: 'eth0', parent: '1:', classid: '1:1', kind: 'htb' })
  // @ts-expect-error -- a table has no mark
  rt.filters.add({ ...filter, kind: 'u32', divisor: 4, mark: { value: 1, mask: 1 } })
  // @ts-expect-error -- a program, or the descriptor of one
  rt.filters.add({ ...filter, kind: 'bpf' })
  // @ts-expect-error -- not both
  rt.filters.add({ ...filter, kind: 'bpf', program: [], fd: 3 })
  // @ts-expect-error -- raw bytes of a kind that is modelled
  rt.filters.add({ ...filter, kind: 'u32', options: bytes })
  // @ts-expect-error -- which filter
  rt.filters.delete({ ...filter, kind: 'u32' })
  // @ts-expect-error -- a redirect leads to a device
  rt.filters.add({ ...filter, kind: 'u32', actions: [{ kind: 'mirred', operation: 'redirect' }] })
  // @ts-expect-error -- a verdict
  rt.filters.add({ ...filter, kind: 'u32', actions: [{ kind: 'gact' }] })
}

/** What is right compiles, and so does what was listed. */
function accepted(rt: RtnetlinkSocketSync, batch: RtnetlinkBatch, link: Link, route: Route): void {
  rt.links.add({ name: 'a', kind: 'vlan', link: 'eth0', id: 5 })
  rt.links.add({ kind: 'dummy' })
  rt.links.add(link)
  rt.links.change(link)
  rt.links.change({ dev: 'eth0', up: true })
  batch.links.add({ name: 'a', kind: 'dummy', up: true })
  rt.routes.add(route)
  rt.routes.delete(route)
  rt.routes.delete({ destination: '10.0.0.0/8', type: 'blackhole' })
  rt.routes.get({ destination: '10.0.0.1' })
  for (const qdisc of rt.qdiscs.list()) rt.qdiscs.add(qdisc)
  for (const one of rt.classes.list({ dev: 'eth0' })) rt.classes.add(one)
  for (const one of rt.filters.list({ dev: 'eth0', parent: 'ingress' })) rt.filters.add(one)
  rt.qdiscs.add({
    ...place,
    kind: 'tbf',
    rate: 1,
    burst: 1,
    limit: 1,
    peakRate: undefined,
    peakBurst: undefined,
  })
}

t.test('the compiler has refused them', async t => {
  t.ok([links, routes, trafficControl, accepted].every(calls => calls.length > 0))
})
