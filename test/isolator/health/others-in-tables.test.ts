import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { tc, tcBatch } from '../../helpers/iproute2.js'
import { HOST_IP } from '../../helpers/topology.js'
import { DatagramStream } from '../datagram-stream.js'
import { needsIsolation, OPTIONS, twoContainers } from '../isolated-topology.js'
import { filtersOf } from '../kernel-state.js'

const ROUNDS = Number(process.env.RTNETLINK_ROUNDS ?? 1)

type World = Awaited<ReturnType<typeof twoContainers>>

/** Loses nothing from the moment it is opened until the end of `work`. */
async function losesNothing(t: Test, { remote, c1 }: World, work: () => Promise<void>): Promise<void> {
  const stream = await DatagramStream.open(remote, c1, HOST_IP, c1.port)
  await stream.goesOn()
  await work()
  await stream.goesOn()
  const lost = await stream.end()
  t.strictSame({ lost, refused: stream.refused }, { lost: 0, refused: 0 }, `of ${stream.sent} datagrams`)
}

/** The words by which an ingress qdisc finds its one block, and by which it lists all filters from then on. */
const PLACES = ['parent ffff:', 'parent ffff:1', 'egress']

t.test('a stream finds a gap', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const stream = await DatagramStream.open(world.remote, world.c1, HOST_IP, world.c1.port)
  await stream.goesOn()
  const root = 'filter del dev eth0 ingress prio 1020 protocol ip handle 800::1 u32'
  await tc(world.host.name, root)
  t.strictSame((await world.isolator.repair()).left, [])
  await stream.goesOn(1).catch(() => undefined)
  t.ok((await stream.end()) > 0 && stream.refused > 0, 'positive control')
})

t.test('whatever name others give the place of our filters', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { host, c1 } = world
  let { isolator } = world
  const filters = async () =>
    (await filtersOf(host)).map(text => text.replace(/^filter .*?(?=protocol )/, '')).sort()
  const before = await filters()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, place] of PLACES.entries()) {
      await losesNothing(t, world, async () => {
        for (const dev of ['eth0', 'lo', 'pm1', 'pm2']) {
          const other = dev.startsWith('pm') ? 'u32 divisor 3' : 'u32 divisor 1'
          // Refused: on a veth of a container a filter of somebody's would be one that verify() names.
          await tc(host.name, `filter add dev ${dev} ${place} prio ${5 + i} protocol ip ${other}`).catch(
            () => undefined,
          )
        }
        await tc(c1.name, `filter add dev lo ${place} prio 5 protocol ip u32 divisor 3`).catch(
          () => undefined,
        )
        const listed = await tc(host.name, 'filter show dev eth0 ingress')
        t.match(listed, new RegExp(`^filter ${place} .*pref 1020 `, 'm'), 'the kernel lists ours there')
        t.strictSame(await isolator.verify(), [], `${place}: nothing is other than planned`)
        t.strictSame(await isolator.repair(), { repaired: [], left: [] })
        if (isolator !== world.isolator) await isolator.close()
        isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
        t.match(await isolator.recover(['web-1', 'web-2']), { recovered: ['web-1', 'web-2'], cleaned: [] })
        t.strictSame(await isolator.verify(), [])
        t.strictSame(await isolator.repair(), { repaired: [], left: [] })
      })
      for (const dev of ['eth0', 'lo']) await tc(host.name, `filter del dev ${dev} ingress prio ${5 + i}`)
      t.strictSame(await filters(), before)
    }
  }
  await isolator.update('web-1', { ports: [[c1.port, c1.port + 3]] })
  t.strictSame(await isolator.verify(), [])
  await isolator.close()
  await world.isolator.destroy()
  t.strictSame((await filters()).filter(Boolean), [], 'destroy() finds all of it')
})

t.test('filters are listed where their parent is put right', async t => {
  const files = readdirSync('src/isolator', { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  const listing = files.filter(name =>
    /\bfilters\s*\.list\(/.test(readFileSync(`src/isolator/${name}`, 'utf8')),
  )
  t.strictSame(listing, ['kernel/filters-at.ts'])
})

/** What somebody makes of a filter that explain() prints, by one key more: the same packets match. */
function withAnotherKey(line: string, rootTable: string): string[] {
  const place = line.match(/dev \w+ ingress prio \d+ protocol \S+ handle \S+/)?.[0] ?? ''
  // tc makes one key of two that look at the same word.
  const word = place.includes('handle ::') ? 8 : 4
  const other = line.replace(/ (action|hashkey|link) /, ` match u32 0 0 at ${word} $1 `)
  return [`filter del ${place.replace('handle ::', `handle ${rootTable}::`)} u32`, other]
}

t.test('hundreds of differences are mended under a stream', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { host, isolator, c1 } = world
  const single = Array.from({ length: 150 }, (_, i) => [31_100 + 2 * i, 31_100 + 2 * i] as const)
  await isolator.update('web-1', { ports: [[c1.port, c1.port + 7], ...single] })
  const nodes = [...isolator.explain(), ...isolator.explain('web-1')]
    .map(line => line.replace(`tc -n ${host.name} `, ''))
    .filter(
      line =>
        /^filter add dev (eth0|lo) ingress prio 1020 protocol ip .* u32 ht /.test(line) ||
        /^filter add dev eth0 ingress prio 1020 .* handle ::1 /.test(line),
    )
  for (let round = 0; round < ROUNDS; round++) {
    const shown = await tc(host.name, 'filter show dev eth0 ingress prio 1020')
    const rootTable = shown.match(/ fh (8..)::1 /)?.[1] ?? ''
    await tcBatch(
      host.name,
      nodes.flatMap(line => withAnotherKey(line, rootTable)),
    )
    const found = await isolator.verify()
    t.ok(found.length >= 600, `${found.length} differences`)
    await losesNothing(t, world, async () => {
      const { repaired, left } = await isolator.repair()
      t.strictSame(left, [])
      t.equal(repaired.length, found.length)
    })
    t.strictSame(await isolator.verify(), [])
  }
})

t.test('what leads elsewhere is led back in place', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { host, isolator, c1 } = world
  const elsewhere = isolator
    .explain('web-1')
    .filter(line => / (eth0|lo) ingress .* redirect dev pm1$/.test(line) && line.includes(host.name))
    .map(line =>
      line
        .replace(/.* filter add/, 'filter change')
        .replace(/ match u32 .* at 0 /, ' ')
        .replace(/pm1$/, 'pm2'),
    )
  await tcBatch(host.name, elsewhere)
  const found = await isolator.verify('web-1')
  t.equal(found.length, elsewhere.length)
  t.strictSame((await isolator.repair('web-1')).left, [])
  t.strictSame(await isolator.verify(), [])
  await losesNothing(t, world, () => Promise.resolve())
  t.ok(c1)
})
