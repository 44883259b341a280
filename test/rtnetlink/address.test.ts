import t from 'tap'
import type { InferInput } from '../../src/netlink/codec/index.js'
import { address, type Address, type AddressSpec } from '../../src/rtnetlink/index.js'
import { addressBody } from '../../src/rtnetlink/address-messages.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, u32 } from '../helpers/netlink-bytes.js'
import { devices } from './devices.js'

const sent = (body: unknown): Uint8Array => encoded(addressBody, body as InferInput<typeof addressBody>)
const readBack = (spec: AddressSpec): Address =>
  address.fromBody(decoded(addressBody, sent(address.toNew(spec, devices, 'add'))), devices)

t.test('an IPv4 address', async t => {
  const spec: AddressSpec = { dev: 'eth0', address: '10.9.0.2/24' }
  t.same(
    sent(address.toNew(spec, devices, 'add')),
    bytes('02 18 00 00', u32(2), attribute(2, '0a090002'), attribute(1, '0a090002')),
  )
  t.match(readBack(spec), {
    dev: 'eth0',
    ifindex: 2,
    family: 'inet',
    address: '10.9.0.2',
    prefixLength: 24,
    scope: 'global',
  })
  t.equal(address.command('add', spec), 'ip addr add 10.9.0.2/24 dev eth0')
})

t.test('the prefix length has its own member too', async t => {
  const lengthOf = (spec: Omit<AddressSpec, 'dev'>): number => readBack({ dev: 'eth0', ...spec }).prefixLength
  t.equal(lengthOf({ address: '10.9.0.2', prefixLength: 24 }), 24)
  t.equal(lengthOf({ address: '10.9.0.2/16', prefixLength: 24 }), 24, 'which counts')
  t.equal(lengthOf({ address: '10.9.0.2' }), 32)
  t.equal(lengthOf({ address: 'fd00::2' }), 128)
  t.equal(lengthOf({ address: '10.9.0.2', peer: '10.9.0.3/30' }), 30, 'of the peer')
})

t.test('an address with everything', async t => {
  const spec: AddressSpec = {
    dev: 'eth0',
    address: '10.9.0.2',
    prefixLength: 32,
    peer: '10.9.0.3',
    broadcast: '10.9.0.255',
    label: 'eth0:web',
    scope: 'link',
    metric: 50,
    protocol: 'kernel_ll',
    validLifetime: 100,
    preferredLifetime: 50,
    noprefixroute: true,
    autojoin: true,
  }
  t.strictSame(readBack(spec), {
    ...spec,
    ifindex: 2,
    family: 'inet',
    flags: ['noprefixroute', 'autojoin'],
    created: 0,
    updated: 0,
  })
  t.equal(
    address.command('replace', spec),
    'ip addr replace 10.9.0.2 peer 10.9.0.3/32 broadcast 10.9.0.255 label eth0:web scope link metric 50' +
      ' proto kernel_ll valid_lft 100 preferred_lft 50 noprefixroute autojoin dev eth0',
  )
})

t.test('a loopback address stays on the host', async t => {
  t.equal(readBack({ dev: 'lo', address: '127.0.0.2/8' }).scope, 'host')
  t.equal(readBack({ dev: 'lo', address: '127.0.0.2/8', scope: 'global' }).scope, 'global')
})

t.test('keys', async t => {
  t.same(
    sent(address.toDelete({ dev: 'eth0', address: 'fd00::1/64' }, devices)),
    bytes('0a 40 00 00', u32(2), attribute(2, `fd${'0'.repeat(29)}1`), attribute(1, `fd${'0'.repeat(29)}1`)),
  )
  t.equal(
    address.command('delete', { dev: 'eth0', address: 'fd00::1/64' }),
    'ip addr del fd00::1/64 dev eth0',
  )
  t.throws(() => address.toGet({ dev: 'eth0', address: '10.9.0.2' }, devices), TypeError)
})

const wrong: [Partial<AddressSpec>, RegExp][] = [
  [{ address: 'eth0' }, /address: 'eth0' is not an IP address or prefix/],
  [{ address: '10.9.0.2/33' }, /address: '10\.9\.0\.2\/33'/],
  [{ address: '10.9.0.2/' }, /address: /],
  [{ address: '10.9.0.2/24/24' }, /address: /],
  [{ address: 'fe80::1%eth0/64' }, /address: /],
  [{ address: '10.9.0.2', prefixLength: 33 }, /prefixLength: 33/],
  [{ address: '10.9.0.2', prefixLength: 1.5 }, /prefixLength is 1\.5/],
  [{ address: '10.9.0.2', peer: 'fd00::1' }, /peer: 'fd00::1' is not of the family inet/],
  [{ address: '10.9.0.2', broadcast: 'all' }, /broadcast is 'all'/],
  [{ address: '10.9.0.2', scope: 'far' as 'link' }, /scope is 'far'/],
  [{ address: '10.9.0.2', validLifetime: -1 }, /-1/],
  [{ address: '10.9.0.2', dev: 'gone' }, /'gone'/],
]

for (const [spec, message] of wrong) {
  t.test(`refused before anything is sent: ${JSON.stringify(spec)}`, async t => {
    t.throws(() => sent(address.toNew({ dev: 'eth0', address: '', ...spec }, devices, 'add')), { message })
  })
}

t.test('addresses of other families do not end a list', async t => {
  const phonet = address.fromBody(
    decoded(addressBody, bytes('23 08 00 00', u32(2), attribute(2, '40'))),
    devices,
  )
  t.match(phonet, { family: 35, address: '40' })
  t.equal(address.matches?.(phonet, {}, devices), false)
})

t.test('IFA_FLAGS is more than the header has', async t => {
  const told = decoded(
    addressBody,
    bytes('02 18 80 00', u32(2), attribute(2, '0a090002'), attribute(8, u32(0x281))),
  )
  t.strictSame(address.fromBody(told, devices).flags, ['secondary', 'permanent', 'noprefixroute'])
  const old = decoded(addressBody, bytes('02 18 81 00', u32(2), attribute(2, '0a090002')))
  t.strictSame(address.fromBody(old, devices).flags, ['secondary', 'permanent'])
})
