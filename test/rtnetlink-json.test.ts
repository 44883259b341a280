import t from 'tap'
import { jsonReplacer, jsonReviver } from '../src/rtnetlink-json.js'
import { RtnetlinkSocket } from '../src/rtnetlink-socket.js'
import { allOf, canCreateNamespaces, hasLink } from './helpers/privilege.js'
import { bash, scratch } from './rtnetlink/scratch.js'

const there = (value: unknown): unknown => JSON.parse(JSON.stringify(value, jsonReplacer), jsonReviver)

t.test('what JSON has no form of', async t => {
  const value = {
    a: 5n,
    b: Uint8Array.of(10, 9),
    c: Infinity,
    d: [-1n, { e: 'x' }],
    f: 2n ** 64n - 1n,
    g: null,
  }
  t.strictSame(there(value), value)
  t.strictSame(there({ b: Buffer.from('0a09', 'hex') }), { b: Uint8Array.of(10, 9) })
  t.equal(JSON.stringify({ a: 5n }, jsonReplacer), '{"a":{"$bigint":"5"}}')
  t.strictSame(there({ $bigint: 5, other: 1 }), { $bigint: 5, other: 1 })
})

t.test('a namespace by way of JSON', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  const [one, two] = [await scratch(t), await scratch(t)]
  await bash(
    one,
    'ip link set lo up; ip link add a0 type veth peer name b0; ip addr add 10.9.0.2/24 dev a0; tc qdisc add dev b0 clsact',
  )
  await using from = await RtnetlinkSocket.open({ netns: one.name })
  await using to = await RtnetlinkSocket.open({ netns: two.name })
  const lists = await from.snapshot()
  const read = there(lists) as typeof lists
  t.strictSame(read, lists)
  t.strictSame((await to.restore(read)).refused, [])
  t.match(await to.addresses.list({ dev: 'a0', family: 'inet' }), [{ address: '10.9.0.2', prefixLength: 24 }])
})
