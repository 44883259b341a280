import t, { type Test } from 'tap'
import { neighbour, type NeighbourQuery, type NeighbourSpec } from '../../src/rtnetlink/index.js'
import { ipJson } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { json, neighbourAsIp, type Json } from './as-ip-shows.js'
import { bash, makePair, scratch, type Scratch } from './scratch.js'

const byDestination = (entries: Json[]): Json[] =>
  entries.sort((a, b) => String(a['dst']).localeCompare(String(b['dst'])))

/** The tables as `ip` shows them. */
const shown = async ({ name }: Scratch): Promise<Json[]> =>
  byDestination(
    [...(await ipJson(name, '-d neigh show nud all')), ...(await ipJson(name, '-d neigh show proxy'))].map(
      json,
    ),
  )

const can = allOf(canCreateNamespaces(), hasLink('veth'))

const neighbours: NeighbourSpec[] = [
  { dev: 'a0', address: '10.9.0.7', lladdr: '02:00:00:00:00:07' },
  { dev: 'a0', address: '10.9.0.8', lladdr: '02:00:00:00:00:08', state: 'noarp', protocol: 'static' },
  { dev: 'a0', address: '10.9.0.9', lladdr: '02:00:00:00:00:09', state: 'stale', extern_learn: true },
  { dev: 'a0', address: 'fd00::7', lladdr: '02:00:00:00:00:07', router: true },
  { dev: 'a0', address: '10.9.0.10', proxy: true },
]

/** A namespace in which all of these neighbours can be. */
async function ready(t: Test): Promise<Scratch> {
  const made = await scratch(t)
  makePair(made)
  made.rt.links.change({ dev: 'a0', arp: true })
  return made
}

t.test('neighbours: as ip shows them, and as their command lines make them', can, async t => {
  const [one, two] = [await ready(t), await ready(t)]
  for (const spec of neighbours) one.rt.neighbours.add(spec)
  await bash(two, neighbours.map(spec => neighbour.command('add', spec)).join('\n'))
  t.strictSame(await shown(two), await shown(one))
  const ours = [...one.rt.neighbours.list({}), ...one.rt.neighbours.list({ proxy: true })]
  t.strictSame(byDestination(ours.map(neighbourAsIp)), await shown(one))

  for (const spec of neighbours) one.rt.neighbours.delete(spec)
  await bash(two, neighbours.map(spec => neighbour.command('delete', spec)).join('\n'))
  t.strictSame(await shown(two), await shown(one))
  t.notOk((await shown(one)).some(({ dst }) => dst === '10.9.0.7'))
})

t.test('one neighbour', can, async t => {
  const { rt } = await ready(t)
  for (const spec of neighbours) rt.neighbours.add(spec)
  const key = { dev: 'a0', address: '10.9.0.7' }
  t.match(rt.neighbours.get(key), { lladdr: '02:00:00:00:00:07', state: 'permanent' })
  t.throws(() => rt.neighbours.get({ dev: 'a0', address: '10.9.0.99' }), { code: 'ENOENT' })
  t.throws(() => rt.neighbours.add(neighbours[0]!), { code: 'EEXIST' })
  rt.neighbours.change({ ...key, lladdr: '02:00:00:00:00:77', state: 'reachable' })
  t.match(rt.neighbours.get(key), { lladdr: '02:00:00:00:00:77', state: 'reachable' })
  t.match(rt.neighbours.get({ dev: 'a0', address: '10.9.0.10', proxy: true }), { flags: ['proxy'] })
})

t.test('lists of neighbours are narrowed', can, async t => {
  const { rt } = await ready(t)
  for (const spec of neighbours) rt.neighbours.add(spec)
  const found = (query: NeighbourQuery): string[] =>
    rt.neighbours
      .list(query)
      .map(({ address }) => address)
      .sort()
  t.strictSame(found({ dev: 'a0', family: 'inet', state: 'permanent' }), ['10.9.0.7'])
  t.strictSame(found({ dev: 'a0', state: 'noarp', family: 'inet' }), ['10.9.0.8'])
  t.strictSame(found({ proxy: true }), ['10.9.0.10'])
  t.strictSame(found({ dev: 'lo' }), [])
})
