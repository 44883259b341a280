import t, { type Test } from 'tap'
import { address, type AddressQuery, type AddressSpec } from '../../src/rtnetlink/index.js'
import { ipJson } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { addressAsIp, json, type Json } from './as-ip-shows.js'
import { bash, makePair, scratch, type Scratch } from './scratch.js'

/** The addresses as `ip` shows them. */
async function shown({ name }: Scratch): Promise<Json[]> {
  const links = await ipJson<{ addr_info: Json[] }>(name, '-d addr show')
  return links.flatMap(({ addr_info }) => addr_info).map(aMomentAgo)
}

/** Seconds pass between two looks: lifetimes are rounded. */
function aMomentAgo({ valid_life_time, preferred_life_time, ...rest }: Json): Json {
  const rounded = (seconds: unknown): number => Math.round(Number(seconds) / 100) * 100
  return json({
    ...rest,
    valid_life_time: rounded(valid_life_time),
    preferred_life_time: rounded(preferred_life_time),
  })
}

const can = allOf(canCreateNamespaces(), hasLink('veth'))

const addresses: AddressSpec[] = [
  { dev: 'a0', address: '10.9.0.2/24' },
  { dev: 'a0', address: '10.9.0.3', prefixLength: 24, broadcast: '10.9.0.255', label: 'a0:x', metric: 50 },
  { dev: 'a0', address: '10.7.0.1', peer: '10.7.0.2', noprefixroute: true },
  { dev: 'a0', address: '10.8.0.1/16', scope: 'link', validLifetime: 5000, preferredLifetime: 4000 },
  { dev: 'lo', address: '127.0.0.9/8' },
  { dev: 'a0', address: 'fd00::1/64', nodad: true },
  { dev: 'a0', address: 'fd01::1', peer: 'fd01::2', nodad: true, home: true },
]

const byAddress = (a: Json, b: Json): number => String(a['local']).localeCompare(String(b['local']))

/** A namespace with all of these addresses. */
async function addressed(t: Test): Promise<Scratch> {
  const made = await scratch(t)
  makePair(made)
  for (const spec of addresses) made.rt.addresses.add(spec)
  return made
}

t.test('addresses: as ip shows them, and as their command lines make them', can, async t => {
  const [one, two] = [await addressed(t), await scratch(t)]
  makePair(two)
  await bash(two, addresses.map(spec => address.command('add', spec)).join('\n'))
  t.strictSame(await shown(two), await shown(one))
  t.strictSame(
    one.rt.addresses.list({}).map(addressAsIp).map(aMomentAgo).sort(byAddress),
    (await shown(one)).sort(byAddress),
  )

  const replaced: AddressSpec = { ...addresses[3]!, validLifetime: 6000, preferredLifetime: 3000 }
  one.rt.addresses.replace(replaced)
  await bash(two, address.command('replace', replaced))
  t.strictSame(await shown(two), await shown(one), 'replaced')

  // A primary address would take the secondary ones with it.
  const reversed = [...addresses].reverse()
  for (const spec of reversed) one.rt.addresses.delete(spec)
  await bash(two, reversed.map(spec => address.command('delete', spec)).join('\n'))
  t.strictSame(one.rt.addresses.list({}), [])
  t.strictSame(await shown(two), [])
})

t.test('lists of addresses are narrowed', can, async t => {
  const { rt } = await addressed(t)
  t.equal(rt.addresses.list({ family: 'inet6' }).length, 2)
  t.equal(rt.addresses.list({ dev: 'lo' }).length, 1)
  const found = (query: AddressQuery): string[] => rt.addresses.list(query).map(({ address }) => address)
  t.strictSame(found({ label: 'a0:x' }), ['10.9.0.3'])
  t.strictSame(found({ address: '10.7.0.1' }), ['10.7.0.1'])
  t.strictSame(found({ scope: 'link', dev: 'a0' }), ['10.8.0.1'])
})

t.test('one address', can, async t => {
  const { rt } = await addressed(t)
  t.equal(rt.addresses.get({ dev: 'a0', address: 'fd00::1' }).prefixLength, 64)
  t.throws(() => rt.addresses.get({ dev: 'a0', address: '10.9.0.2/24' }), TypeError)
  t.throws(() => rt.addresses.add(addresses[0]!), { code: 'EEXIST' })
  t.throws(
    () => rt.addresses.delete({ dev: 'a0', address: '10.9.0.2/25' }),
    { code: 'EADDRNOTAVAIL' },
    'the whole key counts',
  )
  const listed = rt.addresses.list({})
  for (const found of [...listed].reverse()) rt.addresses.delete(found)
  t.strictSame(rt.addresses.list({}), [], 'what was listed is a key')
  for (const found of listed) rt.addresses.add(found)
  t.equal(rt.addresses.list({}).length, listed.length, 'what was listed can be added again')
})
