import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { filter } from '../../src/tc/index.js'
import { ip, run, tc } from '../helpers/iproute2.js'
import { batchesOf, watchRequests } from '../helpers/kernel-requests.js'
import { HOST_IP, HOST_MAC, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology, type IsolatedTopology } from './isolated-topology.js'

/** Not every kernel has fq_codel. */
const LIMITS = { bloatReduction: 'none' } as const

/** A host with two isolators, as two programs have them. */
async function twoIsolators(
  t: Test,
  containers = 3,
): Promise<IsolatedTopology & { a: PortMappingIsolator; b: PortMappingIsolator; netns: string[] }> {
  const prepared = await preparedTopology(t, { containers, ...LIMITS })
  const b = await another(t, prepared)
  return {
    ...prepared,
    ...{ a: prepared.isolator, b, netns: prepared.topology.containers.map(({ name }) => name) },
  }
}

async function another(t: Test, { host }: Pick<IsolatedTopology, 'host'>): Promise<PortMappingIsolator> {
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, ...LIMITS, netns: host.name })
  t.teardown(() => isolator.close())
  return isolator
}

/** As one leaves it that is killed in the middle of a change. */
const leaveUnfinished = ({ name }: NamespaceRef): Promise<unknown> =>
  run('ip', ['-n', name, 'link', 'set', 'pmcopies', 'alias', 'being changed by 1-killed.1'])

const sound = async (t: Test, isolators: Record<string, PortMappingIsolator>): Promise<void> => {
  for (const [name, isolator] of Object.entries(isolators))
    t.strictSame(await isolator.verify(), [], `${name} finds all sound`)
}

t.test('containers of two isolators have places of their own', needsIsolation(), async t => {
  const { a, b, netns } = await twoIsolators(t)
  const one = await a.isolate('one', { netns: netns[0]!, ports: '31000-31007' })
  const two = await b.isolate('two', { netns: netns[1]!, ports: '31008-31015' })
  t.not(one.link, two.link, 'another slot')
  t.notSame(one.ephemeralPorts, two.ephemeralPorts, 'another ephemeral range')
  await sound(t, { a, b })
  t.strictSame((await a.repair()).repaired, [], 'nothing to repair')
  t.strictSame((await b.repair()).repaired, [])
  t.strictSame(
    a.list().map(({ id }) => id),
    ['one'],
    'each lists its own',
  )
  t.equal(await b.cleanup('one'), false, 'the other cannot take it away by mistake')
  t.equal(await b.cleanup('two'), true)
  t.equal(
    (await a.isolate('three', { netns: netns[1]!, ports: '31008-31015' })).link,
    two.link,
    'its place is free',
  )
  await sound(t, { a, b })
})

t.test('what another has is refused, and nothing happens to it', needsIsolation(), async t => {
  const { a, b, netns } = await twoIsolators(t)
  await a.isolate('one', { netns: netns[0]!, ports: '31000-31007' })
  await t.rejects(
    b.isolate('one', { netns: netns[1]! }),
    { code: 'ERR_CONTAINER_EXISTS', message: /by another isolator on this host: .*recover\(\['one'\]\)/ },
    'the id',
  )
  await t.rejects(
    b.isolate('two', { netns: netns[1]!, ports: '31004-31011' }),
    { code: 'ERR_PORTS_OVERLAP', details: { port: 31004, id: 'one' } },
    'ports',
  )
  await t.rejects(
    b.isolate('two', { netns: netns[0]! }),
    { code: 'ERR_CONTAINER_EXISTS', details: { id: 'one' } },
    'the namespace',
  )
  await b.isolate('two', { netns: netns[1]!, ports: '31008' })
  await t.rejects(b.update('two', { ports: '31000' }), { code: 'ERR_PORTS_OVERLAP', details: { id: 'one' } })
  await t.rejects(b.update('one', { ports: '31020' }), { code: 'ERR_CONTAINER_UNKNOWN' })
  await sound(t, { a, b })
})

t.test('what another does to a container is followed', needsIsolation(), async t => {
  const prepared = await twoIsolators(t)
  const { a, netns } = prepared
  await a.isolate('one', { netns: netns[0]!, ports: '31000-31007' })
  await a.isolate('two', { netns: netns[1]!, ports: '31008-31015', ingressRateLimit: '1MB' })
  const b = await another(t, prepared)
  t.strictSame((await b.recover('all')).recovered, ['one', 'two'])
  await b.update('one', { ports: '31000-31003', egressRateLimit: '2MB' })
  await b.update('two', { ports: '31004-31007', ingressRateLimit: '3MB' })
  await sound(t, { a, b })
  const seen = (isolator: PortMappingIsolator) =>
    isolator.list().map(({ id, ports, egress, ingress }) => ({ id, ports, egress, ingress }))
  t.strictSame(seen(a), seen(b), 'ports and limits are seen')
  const gone: unknown[] = []
  a.on('gone', event => gone.push(event))
  t.equal(await b.cleanup('one'), true)
  const three = await b.isolate('three', { netns: netns[2]!, ports: '31000-31003' })
  t.equal(three.link, 'pm1', 'the place of the first')
  t.equal(await a.cleanup('one'), false, 'the one that took its place is not cleaned up for it')
  t.match(gone, [{ id: 'one' }], 'one event says that it has gone')
  t.equal(a.get('one'), undefined)
  await sound(t, { a, b })
})

t.test('an isolator whose part of the host another has destroyed', needsIsolation(), async t => {
  const { a, b, netns } = await twoIsolators(t)
  await a.isolate('one', { netns: netns[0]! })
  await b.destroy()
  t.equal(await a.cleanup('one'), false, 'its containers have gone')
  t.strictSame(a.list(), [])
})

t.test(
  'a container that has lost its link is cleaned up, whoever has worked meanwhile',
  needsIsolation(),
  async t => {
    const { a, b, netns, host } = await twoIsolators(t)
    const { link } = await a.isolate('one', { netns: netns[0]!, ports: '31000-31007' })
    await ip(host.name, `link del ${link}`)
    await b.isolate('two', { netns: netns[1]! })
    t.equal(await a.cleanup('one'), false, 'what was left of it has been taken away')
    t.strictSame(a.list(), [])
    await b.isolate('three', { netns: netns[2]!, ports: '31000-31007' })
    await sound(t, { a, b })
  },
)

t.test(
  "what is left of a container without a link is its own isolator's to remove",
  needsIsolation(),
  async t => {
    const { a, b, netns, host } = await twoIsolators(t)
    const { link } = await a.isolate('one', { netns: netns[0]!, ports: '31000-31007' })
    await b.isolate('two', { netns: netns[1]! })
    await ip(host.name, `link del ${link}`)
    await b.update('two', { ports: '31020' })
    const gone: unknown[] = []
    a.on('gone', event => gone.push(event))
    t.equal((await a.cleanup('one')) || gone.length === 1, true, 'it is removed, by the call or by itself')
    t.notOk(existsSync(`/run/netns/${link}`))
    await sound(t, { a, b })
  },
)

t.test(
  'a container of the same id that another has made in the same place is not taken for the old one',
  needsIsolation(),
  async t => {
    const prepared = await twoIsolators(t)
    const { a, netns } = prepared
    await a.isolate('one', { netns: netns[0]!, ports: '31000' })
    const b = await another(t, prepared)
    await b.recover('all')
    await b.cleanup('one')
    await b.isolate('one', { netns: netns[0]!, ports: '31000' })
    t.equal(await a.cleanup('one'), false)
    await sound(t, { b })
  },
)

t.test(
  'a veth that somebody has set down is no half made container to another',
  needsIsolation(),
  async t => {
    const { a, b, netns, host } = await twoIsolators(t)
    const { link } = await a.isolate('one', { netns: netns[0]!, ports: '31000' })
    await b.isolate('two', { netns: netns[1]! })
    await ip(host.name, `link set ${link} down`)
    await leaveUnfinished(host)
    await b.update('two', { ports: '31001' })
    await a.repair()
    await sound(t, { a, b })
  },
)

t.test(
  'what somebody was doing when it was killed is brought to its end by the next change',
  needsIsolation(),
  async t => {
    const { a, b, netns, host } = await twoIsolators(t)
    await a.isolate('one', { netns: netns[0]!, ports: '31000' })
    // As isolate() leaves it: a veth goes up with the last message.
    await ip(host.name, 'link add pm2 arp off multicast off type veth peer name pm2peer')
    await run('ip', ['-n', host.name, 'link', 'set', 'pm2', 'alias', 'two 21504-22527'])
    await ip(host.name, 'link property add dev pm2 altname pm2=31008')
    await leaveUnfinished(host)
    await t.rejects(b.verify('two'), { code: 'ERR_CONTAINER_UNKNOWN' }, 'a look changes nothing')
    t.match(await ip(host.name, 'link show pm2'), 'two')
    const two = await b.isolate('two', { netns: netns[1]!, ports: '31008' })
    t.equal(two.link, 'pm2')
    await sound(t, { a, b })
  },
)

t.test('whoever brings a cut update to its end', needsIsolation(), async t => {
  for (const [options, becomes] of [
    [{}, 'completed, where the guard is one of the same options'],
    [{ hostAccess: 'deny' }, 'as it is, where it may be one of others: it opens no port of the host'],
  ] as const)
    await t.test(`leaves the guard ${becomes}`, async t => {
      const { topology, host, isolator } = await preparedTopology(t, { ...LIMITS, ...options })
      const [one, two] = topology.containers as [NamespaceRef, NamespaceRef]
      const { link } = await isolator.isolate('one', { netns: one.name, ports: '31000-31007' })
      const guard = async (): Promise<string> =>
        (await tc(host.name, `filter show dev ${link} ingress`)).replaceAll(/ (index|id|tag|jited) \S+/g, '')
      const before = await guard()
      // As update() leaves it: the first thing it does is to note the new ports.
      await ip(host.name, `link property add dev ${link} altname ${link}=31000-31015`)
      await leaveUnfinished(host)
      const finisher = await another(t, { host })
      await finisher.isolate('two', { netns: two.name })
      t.equal((await guard()) === before, 'hostAccess' in options)
      t.match(
        await tc(host.name, 'filter show dev eth0 ingress'),
        /match 00007920\/0000fff8 at 0/,
        'the ways in are completed',
      )
      const successor = await PortMappingIsolator.create({
        ...{ ...OPTIONS, ...LIMITS, ...options, netns: host.name },
      })
      t.teardown(() => successor.close())
      await successor.recover(['one'])
      // What is inside is for repair().
      const onHost = (await successor.verify('one')).filter(({ object }) => object.includes(link))
      t.strictSame(onHost, [], 'a program with its options finds or makes the guard whole')
    })
})

t.test(
  'what leads to a container that is gone goes from former public interfaces too',
  needsIsolation(),
  async t => {
    const { topology, host, isolator } = await preparedTopology(t, {
      ...LIMITS,
      hostLines: [
        `link add eth1 address ${HOST_MAC} type veth peer name eth1x`,
        `addr add ${HOST_IP}/24 dev eth1`,
        'link set eth1 up',
      ],
    })
    const [one, two] = topology.containers as [NamespaceRef, NamespaceRef]
    const { link } = await isolator.isolate('one', { netns: one.name, ports: '31000-31007' })
    await using moved = await PortMappingIsolator.create({
      ...{ ...OPTIONS, ...LIMITS, netns: host.name, publicInterface: 'eth1' },
    })
    const steering = async (): Promise<number> =>
      (await tc(host.name, 'filter show dev eth0 ingress')).match(/mirred/g)?.length ?? 0
    const before = await steering()
    await ip(host.name, `link del ${link}`)
    await leaveUnfinished(host)
    await moved.isolate('two', { netns: two.name })
    const after = await steering()
    t.ok(after < before, `${before} filters of eth0 redirect, then ${after}`)
    t.notMatch(await tc(host.name, 'filter show dev eth0 ingress'), /device \*/, 'none leads nowhere')
  },
)

t.test('containers that another has removed are looked for together', needsIsolation(), async t => {
  const { a, b, netns } = await twoIsolators(t)
  await a.isolateMany(
    netns.map((name, i) => ({ id: `gone-${i}`, netns: name, ports: [[31_000 + i, 31_000 + i]] })),
  )
  await b.recover('all')
  t.strictSame(await b.cleanupMany(netns.map((_, i) => `gone-${i}`)), [true, true, true])
  const asked = await watchRequests(t)(() => a.cleanup('none'))
  t.strictSame(a.list(), [])
  t.equal(batchesOf(asked, filter.messages.get), 1)
})
