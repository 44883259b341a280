import t from 'tap'
import type { InferInput } from '../../src/netlink/codec/index.js'
import { neighbour, type Neighbour, type NeighbourSpec } from '../../src/rtnetlink/index.js'
import { neighbourBody } from '../../src/rtnetlink/neighbour-messages.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, u16, u32 } from '../helpers/netlink-bytes.js'
import { devices } from './devices.js'

const sent = (body: unknown): Uint8Array => encoded(neighbourBody, body as InferInput<typeof neighbourBody>)
const added = (spec: NeighbourSpec): Uint8Array => sent(neighbour.toNew(spec, devices, 'add'))
const readBack = (spec: NeighbourSpec): Neighbour =>
  neighbour.fromBody(decoded(neighbourBody, added(spec)), devices)

t.test('a neighbour that is known', async t => {
  const spec: NeighbourSpec = { dev: 'eth0', address: '10.9.0.1', lladdr: '02:00:0a:09:00:01' }
  t.same(
    added(spec),
    bytes('02 00 0000', u32(2), u16(0x80), '00 00', attribute(1, '0a090001'), attribute(2, '02000a090001')),
  )
  t.strictSame(readBack(spec), { ...spec, ifindex: 2, family: 'inet', state: 'permanent', flags: [] })
  t.equal(neighbour.command('add', spec), 'ip neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev eth0')
})

t.test('a neighbour with everything', async t => {
  const spec: NeighbourSpec = {
    dev: 'eth0',
    address: 'fd00::1',
    lladdr: '02:00:0a:09:00:01',
    state: 'stale',
    router: true,
    extern_learn: true,
    managed: true,
    protocol: 'static',
  }
  t.strictSame(readBack(spec), {
    ...spec,
    ifindex: 2,
    family: 'inet6',
    flags: ['extern_learn', 'router', 'managed'],
  })
  t.equal(
    neighbour.command('replace', spec),
    'ip neigh replace fd00::1 lladdr 02:00:0a:09:00:01 nud stale router extern_learn managed protocol static dev eth0',
  )
})

t.test('keys', async t => {
  const key = { dev: 'eth0', address: '10.9.0.1', proxy: true }
  t.same(
    sent(neighbour.toDelete(key, devices)),
    bytes('02 00 0000', u32(2), u16(0), '08 00', attribute(1, '0a090001')),
  )
  t.equal(neighbour.command('delete', key), 'ip neigh del proxy 10.9.0.1 dev eth0')
  t.equal(neighbour.command('get', key), 'ip neigh get proxy 10.9.0.1 dev eth0')
})

const wrong: [Partial<NeighbourSpec>, RegExp][] = [
  [{ address: 'eth0' }, /^neighbours\.add: address is 'eth0': expected an IP address/],
  [{ family: 'inet6' }, /address: '10\.9\.0\.1' is not of the family inet6/],
  [{ address: '10.9.0.0/24' }, /address is '10\.9\.0\.0\/24': expected an IP address/],
  [{ state: 'gone' as 'stale' }, /state is 'gone': expected one of/],
  [{ lladdr: 'here' }, /lladdr is 'here': expected a link-layer address/],
  [{ dev: 'gone' }, /'gone'/],
]

for (const [spec, message] of wrong) {
  t.test(`refused before anything is sent: ${JSON.stringify(spec)}`, async t => {
    t.throws(() => added({ dev: 'eth0', address: '10.9.0.1', ...spec }), { message })
  })
}

t.test('what a bridge forwards is told apart, and not listed', async t => {
  const entry = (lladdr: string): Neighbour =>
    neighbour.fromBody(
      decoded(neighbourBody, bytes('07 00 0000', u32(4), u16(2), '00 00', attribute(2, lladdr))),
      devices,
    )
  t.not(neighbour.identity(entry('02000a090001')), neighbour.identity(entry('02000a090002')))
  t.equal(neighbour.matches?.(entry('02000a090001'), {}, devices), false)
})

t.test('link-layer addresses of any length', async t => {
  const lladdr = (hex: string): string | undefined =>
    neighbour.fromBody(
      decoded(neighbourBody, bytes('02 00 0000', u32(2), u16(2), '00 00', attribute(2, hex))),
      devices,
    ).lladdr
  t.equal(lladdr('0a090001'), '0a:09:00:01', 'of a tunnel')
  t.equal(lladdr(''), '')
  t.equal(lladdr('00'.repeat(20)), Array<string>(20).fill('00').join(':'), 'of InfiniBand')
})
