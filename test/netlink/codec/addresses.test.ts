import fc from 'fast-check'
import t from 'tap'
import {
  ipAddress,
  ipv4,
  ipv4ToNumber,
  linkAddress,
  linkAddressToBytes,
  numberToIpv4,
} from '../../../src/netlink/codec/index.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { bytes } from '../../helpers/netlink-bytes.js'

t.test('IPv4', async t => {
  t.same(encoded(ipv4, '10.9.0.2'), bytes('0a09 0002'), 'network order')
  t.equal(decoded(ipv4, bytes('fffe 0001')), '255.254.0.1')
  t.equal(ipv4ToNumber('128.0.0.1'), 0x8000_0001)
  t.equal(numberToIpv4(0x8000_0001), '128.0.0.1')
  for (const wrong of ['', '10.9.0', '10.9.0.256', '10.9.0.2 ', '010.9.0.2', '::1', 'eth0']) {
    t.throws(() => encoded(ipv4, wrong), { name: 'TypeError', message: `'${wrong}' is not an IPv4 address` })
  }
})

/** Text as RFC 5952 has it, and other texts of the same address (RFC 4291 section 2.2). */
const ipv6: Record<string, [hex: string, ...others: string[]]> = {
  '::': ['0'.repeat(32), '0:0:0:0:0:0:0:0', '0::', '::0.0.0.0'],
  '::1': [`${'0'.repeat(31)}1`, '0:0:0:0:0:0:0:1', '0000::0001', '::0:1'],
  '1::': [`0001${'0'.repeat(28)}`, '1:0:0:0:0:0:0:0'],
  'fe80::200:aff:fe09:2': ['fe80000000000000 02000aff fe090002', 'FE80::200:AFF:FE09:2'],
  '2001:db8:0:1:1:1:1:1': ['20010db8000000010001000100010001', '2001:db8::1:1:1:1:1'],
  '2001:0:0:1::1': ['20010000000000010000000000000001', '2001::1:0:0:0:1'],
  '2001:db8::1:0:0:1': ['20010db8000000000001000000000001', '2001:db8:0:0:1::1'],
  '0:1::': [`00000001${'0'.repeat(24)}`.slice(0, 32), '0:1:0:0:0:0:0:0'],
  '::ffff:10.9.0.2': ['00000000000000000000ffff0a090002', '::ffff:a09:2', '0:0:0:0:0:ffff:10.9.0.2'],
  '64:ff9b::a09:2': ['0064ff9b00000000000000000a090002', '64:ff9b::10.9.0.2'],
}

t.test('IPv6', async t => {
  for (const [text, [hex, ...others]] of Object.entries(ipv6)) {
    t.equal(decoded(ipAddress, bytes(hex)), text)
    for (const form of [text, ...others]) t.same(encoded(ipAddress, form), bytes(hex), form)
  }
})

t.test('IPv6 text is that of URLs, mapped addresses apart', async () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), groups => {
      const wire = bytes(groups.map(each => each.toString(16).padStart(4, '0')).join(''))
      const text = decoded(ipAddress, wire)
      const url = new URL(`http://[${groups.map(each => each.toString(16)).join(':')}]`).hostname.slice(1, -1)
      const mapped = groups.slice(0, 6).join() === '0,0,0,0,0,65535'
      return (mapped || text === url) && Buffer.from(encoded(ipAddress, text)).equals(wire)
    }),
    { numRuns: 2000 },
  )
})

t.test('IP addresses of either family', async t => {
  t.equal(decoded(ipAddress, bytes('0a090002')), '10.9.0.2')
  t.same(encoded(ipAddress, '10.9.0.2'), bytes('0a090002'))
  for (const length of [0, 3, 5, 15, 17]) {
    t.throws(() => decoded(ipAddress, new Uint8Array(length)), {
      code: 'ERR_NETLINK_DECODE',
      message: `an IP address has 4 or 16 bytes, not ${length}`,
    })
  }
  for (const wrong of ['', 'localhost', '1:2:3', '::1::', '10.9.0.2/24', ':::', '1:2:3:4:5:6:7:8:9']) {
    t.throws(() => encoded(ipAddress, wrong), {
      name: 'TypeError',
      message: `'${wrong}' is not an IP address`,
    })
  }
  t.throws(() => encoded(ipAddress, 'fe80::1%eth0'), { name: 'TypeError', message: /has a zone/ })
})

t.test('link-layer addresses', async t => {
  t.same(encoded(linkAddress, '02:00:0a:09:00:02'), bytes('02000a090002'))
  t.same(encoded(linkAddress, '2:0:A:9:0:2'), bytes('02000a090002'))
  t.equal(decoded(linkAddress, bytes('02000A090002')), '02:00:0a:09:00:02')
  t.equal(decoded(linkAddress, bytes('0a090001')), '0a:09:00:01', 'of a tunnel')
  t.equal(decoded(linkAddress, new Uint8Array(20)).length, 59, 'of InfiniBand')
  t.equal(decoded(linkAddress, bytes('')), '', 'of a device without')
  t.same(encoded(linkAddress, ''), bytes(''))
  for (const wrong of ['', '02:00:0a:09:00:', '02-00-0a-09-00-02', 'g0:00', '020:00', '02:00\n']) {
    t.throws(() => linkAddressToBytes(wrong), { name: 'TypeError', message: /is not a link-layer address/ })
  }
})
