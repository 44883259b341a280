import t from 'tap'
import { inetConf } from '../../src/rtnetlink/ipv4-devconf.js'
import type { InferInput } from '../../src/netlink/codec/index.js'
import type { Verb } from '../../src/netlink/object-type.js'
import {
  link,
  type AnyLinkSpec,
  type Link,
  type LinkChange,
  type LinkSpec,
} from '../../src/rtnetlink/index.js'
import { linkBody } from '../../src/rtnetlink/link-info.js'
import { linkMessages } from '../../src/rtnetlink/link-messages.js'
import { messagesIn } from '../../src/netlink/message.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, message, u16, u32, u64 } from '../helpers/netlink-bytes.js'
import { devices } from './devices.js'
import { without } from './without.js'

type Body = InferInput<typeof linkBody>

const body = (spec: AnyLinkSpec, verb: Verb = 'change'): Body => link.toNew(spec, devices, verb) as Body

/** What a request says, read back from its bytes. */
const readBack = (spec: AnyLinkSpec, verb: Verb): Link =>
  link.fromBody(decoded(linkBody, encoded(linkBody, body(spec, verb))), devices)

const ifinfomsg = (index: number, flags = 0, change = 0, type = 1): Buffer =>
  bytes('00 00', u16(type), u32(index), u32(flags), u32(change))

t.test('the veth of a container is one message', async t => {
  const spec: LinkSpec = {
    name: 'pm7',
    kind: 'veth',
    address: '02:00:0a:09:00:02',
    mtu: 1400,
    group: 7,
    arp: false,
    multicast: false,
    peer: { name: 'eth0', address: '02:00:0a:09:00:02', mtu: 1400, netns: { fd: 21, name: 'pm7' } },
  }
  const settings = [attribute(1, '02000a090002'), attribute(4, u32(1400))]
  const peer = [
    ifinfomsg(0, 0, 0, 0),
    ...settings,
    attribute(28, u32(21)),
    attribute(3, Buffer.from('eth0\0')),
  ]
  t.same(
    encoded(linkBody, body(spec, 'add')),
    bytes(
      ifinfomsg(0, 0x80, 0x1080, 0),
      attribute(3, Buffer.from('pm7\0')),
      ...settings,
      attribute(27, u32(7)),
      attribute(18, attribute(1, Buffer.from('veth')), attribute(2, attribute(1, ...peer))),
    ),
  )
  t.strictSame(readBack(spec, 'add'), { ...spec, peer: { ...spec.peer, netns: { fd: 21 } } })
  t.equal(
    link.command('add', spec),
    'ip link add name pm7 address 02:00:0a:09:00:02 mtu 1400 group 7 arp off multicast off' +
      ' type veth peer name eth0 address 02:00:0a:09:00:02 mtu 1400 netns pm7',
  )
  t.match(link.command('add', readBack(spec, 'add')), `netns /proc/${process.pid}/fd/21`)
})

t.test('a change says what it changes and nothing else', async t => {
  const spec: LinkChange = {
    dev: 'pm1',
    alias: `it's web-1 1-2`,
    up: true,
    inet: { rp_filter: 1, accept_local: 0 },
    inet6: { addrGenMode: 'none', token: '::7' },
  }
  const conf = bytes(attribute(8, u32(1)), attribute(23, u32(0)))
  t.same(
    encoded(linkBody, body(spec)),
    bytes(
      ifinfomsg(0, 1, 1, 0),
      attribute(3, Buffer.from('pm1\0')),
      attribute(20, Buffer.from(`it's web-1 1-2`)),
      attribute(
        26,
        attribute(2, attribute(0x8000 | 1, conf)),
        attribute(10, attribute(7, `${'0'.repeat(31)}7`), attribute(8, '01')),
      ),
    ),
    'IFLA_INET_CONF is marked as nested, on which Linux 7.1 insists',
  )
  t.strictSame(readBack(spec, 'change'), { ...without(spec, 'dev'), name: 'pm1' })
  t.equal(
    link.command('change', readBack(spec, 'change')),
    `ip link set dev pm1 up alias 'it'\\''s web-1 1-2' addrgenmode none && ` +
      'sysctl -qw net/ipv4/conf/pm1/rp_filter=1 net/ipv4/conf/pm1/accept_local=0 && ip token set ::7 dev pm1',
  )
})

t.test('a port of a bridge', async t => {
  const spec: LinkChange = { dev: 'pm1', bridgePort: { groupFwdMask: 65_533, learning: false, locked: true } }
  t.same(
    encoded(linkBody, body(spec)),
    bytes(
      ifinfomsg(0, 0, 0, 0),
      attribute(3, Buffer.from('pm1\0')),
      attribute(
        18,
        attribute(4, Buffer.from('bridge')),
        attribute(5, attribute(31, 'fdff'), attribute(8, '00'), attribute(39, '01')),
      ),
    ),
  )
  t.strictSame(readBack(spec, 'change'), { ...without(spec, 'dev'), name: 'pm1' })
  t.equal(
    link.command('change', { up: true, ...spec }),
    'ip link set dev pm1 up && ' +
      'ip link set dev pm1 type bridge_slave group_fwd_mask 65533 learning off locked on',
  )
})

t.test('which link a change is about', async t => {
  const target = (spec: LinkChange) => {
    const { index, attributes } = body(spec)
    return [index, attributes?.name, attributes?.altName]
  }
  t.strictSame(target({ dev: 'gone', up: true }), [0, 'gone', undefined], 'the kernel looks a name up')
  t.strictSame(target({ name: 'pm1', up: true }), [0, 'pm1', undefined])
  t.strictSame(target({ dev: 3, up: true }), [3, undefined, undefined])
  t.strictSame(target({ index: 3, name: 'new' }), [3, 'new', undefined], 'a new name')
  t.strictSame(target({ dev: 'pm1', name: 'new' }), [3, 'new', undefined])
  t.strictSame(
    target({ dev: 'pm1', group: 5 }),
    [3, undefined, undefined],
    'old kernels would take a group for many links',
  )
  t.strictSame(target({ dev: 'a-name-of-20-bytes-..', up: true }), [0, undefined, 'a-name-of-20-bytes-..'])
  t.throws(() => body({ up: true }), { name: 'TypeError', message: /^links\.change: dev: / })
  t.throws(() => body({ dev: 'gone', group: 5 }), { name: 'NoSuchDeviceError' })
  t.equal(link.command('change', { dev: 3, name: 'new' }), 'ip link set dev if3 name new')
})

t.test('relations to other links', async t => {
  t.match(body({ dev: 'pm1', master: 'br0' }).attributes, { master: 4 })
  t.match(body({ dev: 'pm1', master: null }).attributes, { master: 0 })
  t.equal(link.command('change', { dev: 'pm1', master: null }), 'ip link set dev pm1 nomaster')
  const vlan: LinkSpec = {
    name: 'eth0.5',
    kind: 'vlan',
    link: 'eth0',
    id: 5,
    protocol: '802.1ad',
    gvrp: true,
  }
  t.strictSame(readBack(vlan, 'add'), vlan)
  t.equal(
    link.command('add', vlan),
    'ip link add link eth0 name eth0.5 type vlan protocol 802.1ad id 5 gvrp on',
  )
  t.throws(() => body({ dev: 'pm1', master: 'gone' }), { name: 'NoSuchDeviceError' })
})

t.test('a bridge', async t => {
  const bridge: LinkSpec = {
    name: 'br1',
    kind: 'bridge',
    stpState: 1,
    mcastQueryInterval: 500,
    vlanProtocol: '802.1ad',
    vlanFiltering: 1,
  }
  t.strictSame(readBack(bridge, 'add'), bridge)
  t.equal(
    link.command('add', bridge),
    'ip link add name br1 type bridge stp_state 1 vlan_filtering 1 mcast_query_interval 500 vlan_protocol 802.1ad',
  )
})

t.test('kinds that are not modelled keep their data', async t => {
  const spec: LinkSpec = { name: 'mv0', kind: 'macvlan', link: 'eth0', data: bytes(attribute(1, u32(4))) }
  t.strictSame(readBack(spec, 'add'), { ...spec, data: Uint8Array.from(bytes(attribute(1, u32(4)))) })
})

const wrong: [AnyLinkSpec, Verb, RegExp][] = [
  [{ name: 'a/b' }, 'add', /^links\.add: name: 'a\/b' is not an interface name/],
  [{ name: '' }, 'add', /^links\.add: name is '': expected an interface name/],
  [{ name: '..' }, 'add', /is not an interface name/],
  [{ name: 'sixteen-bytes-xx' }, 'add', /is not an interface name/],
  [{ name: 'x', mtu: -1 }, 'add', /^links\.add: mtu is -1: expected a whole number/],
  [
    { name: 'x', address: '02:00' + ':zz' },
    'add',
    /^links\.add: address is '02:00:zz': expected a link-layer address/,
  ],
  [{ name: 'x', alias: 'a' }, 'add', /^links\.add: alias: the kernel ignores it in add/],
  [{ name: 'x', bridgePort: {} }, 'add', /^links\.add: bridgePort: the kernel ignores it in add/],
  [{ name: 'x', inet: { rp_filter: 1 } }, 'add', /^links\.add: inet: the kernel ignores it in add/],
  [
    { name: 'x', inet6: { addrGenMode: 'none' } },
    'replace',
    /^links\.replace: inet6: the kernel ignores it in replace/,
  ],
  [{ dev: 'x', alias: 'a'.repeat(256) }, 'change', /^links\.change: alias: .* is longer than 255 bytes/],
  [
    { dev: 'x', inet: { no_such_sysctl: 1 } as object },
    'change',
    /^links\.change: unknown 'inet\.no_such_sysctl'/,
  ],
  [
    { dev: 'x', inet6: { token: '10.9.0.2' } },
    'change',
    /inet6\.token is '10\.9\.0\.2': expected an IPv6 address/,
  ],
  [
    { dev: 'x', inet6: { addrGenMode: 'some' as 'none' } },
    'change',
    /inet6\.addrGenMode is 'some': expected one of 'eui64', /,
  ],
  [
    { dev: 'x', kind: 'veth', peer: { mtu: 1400 } },
    'change',
    /^links\.change: peer\.mtu: a peer is set only when the link is made/,
  ],
  [{ name: 'x', kind: 'veth', peer: { name: 'a b' } }, 'add', /^links\.add: peer\.name: 'a b'/],
  [
    { name: 'x', kind: 'bridge', priority: 70000 },
    'add',
    /priority is 70000: expected a whole number from 0 to 65535/,
  ],
]

for (const [spec, verb, message] of wrong) {
  t.test(`refused before anything is sent: ${verb} ${JSON.stringify(spec).slice(0, 60)}`, async t => {
    t.throws(() => encoded(linkBody, body(spec, verb)), { message })
  })
}

/** What a kernel says of a link, by hand. */
const answer = (...attributes: Buffer[]): Uint8Array =>
  bytes(ifinfomsg(3, 0x1_1043, 0), attribute(3, Buffer.from('pm1\0')), attribute(16, '06'), ...attributes)

const listed = (...attributes: Buffer[]): Link =>
  link.fromBody(decoded(linkBody, answer(...attributes)), devices)

t.test('a link as the kernel tells it', async t => {
  const told = listed(
    attribute(10, u32(4)),
    attribute(5, u32(2)),
    attribute(18, attribute(1, Buffer.from('foo\0'))),
  )
  t.match(told, {
    index: 3,
    name: 'pm1',
    up: true,
    arp: true,
    multicast: true,
    allmulticast: false,
    kind: 'foo',
  })
  t.match(told, { link: 'eth0', master: 'br0', hardwareType: 'ether', operationalState: 'up' })
  t.strictSame(told.flags, ['UP', 'BROADCAST', 'RUNNING', 'MULTICAST', 'LOWER_UP'])
  t.equal(link.identity(told), 'unspec 3')
})

t.test('word about the port of a bridge is not about the link', async t => {
  const port = bytes(answer())
  port[0] = 7
  t.equal(link.identity(link.fromBody(decoded(linkBody, port), devices)), 'bridge 3')
})

t.test('where the other end of a veth is', async t => {
  const veth = attribute(18, attribute(1, Buffer.from('veth\0')))
  t.match(listed(attribute(5, u32(2)), veth), { kind: 'veth', peer: { index: 2 }, link: undefined })
  t.match(listed(attribute(5, u32(9)), attribute(37, u32(1)), veth), {
    peer: { index: 9, netnsid: 1 },
    linkNetnsid: 1,
  })
  const macvlan = attribute(18, attribute(1, Buffer.from('macvlan\0')))
  t.equal(
    listed(attribute(5, u32(9)), attribute(37, u32(1)), macvlan).link,
    9,
    'an index of another namespace',
  )
})

t.test('statistics of any length', async t => {
  const counters = Array.from({ length: 27 }, (_, i) => u64(BigInt(i + 1)))
  t.match(listed(attribute(23, ...counters.slice(0, 25))).statistics, {
    rxPackets: 1n,
    rxOtherhostDropped: 25n,
  })
  t.match(listed(attribute(23, ...counters.slice(0, 23))).statistics, {
    txCompressed: 23n,
    rxOtherhostDropped: 0n,
  })
  t.match(listed(attribute(23, ...counters)).statistics, {
    surplus: Uint8Array.from(bytes(u64(26n), u64(27n))),
  })
})

t.test('sysctls as an array, of any length', async t => {
  const conf = (...values: number[]): Link =>
    listed(attribute(26, attribute(2, attribute(1, ...values.map(u32)))))
  t.strictSame(conf(1, 2, 3).inet, { forwarding: 1, mc_forwarding: 2, proxy_arp: 3 })
  t.strictSame(conf().inet, {})
  const many = conf(...Array.from({ length: 40 }, (_, i) => i)).inet ?? {}
  t.equal(Object.keys(many).length, 33, 'those of a newer kernel have no name here')
  t.match(many, { forwarding: 0, accept_local: 22, route_localnet: 25, arp_evict_nocarrier: 32 })
  const inet6 = listed(attribute(26, attribute(10, attribute(2, u32(1), u32(64)))))
  t.strictSame(inet6.ipv6Sysctls, { forwarding: 1, hop_limit: 64 })
  t.strictSame(inet6.inet6, {}, 'what is set has none of what only reports')
})

t.test(
  'what a newer kernel adds is named where it is a setting, and passed over where it reports',
  async t => {
    const uncarriedOf = (...content: Buffer[]): readonly string[] => {
      const [found] = messagesIn(message({ type: 16 }, answer(...content)))
      return found?.decodeObject(linkMessages.new).uncarried ?? ['no message']
    }
    const conf = (family: number, type: number, values: number[]): Buffer =>
      attribute(26, attribute(family, attribute(type, ...values.map(u32))))
    const inet = (...more: number[]): Buffer => conf(2, 1, [...new Array<number>(33).fill(1), ...more])
    t.strictSame(uncarriedOf(inet()), [])
    t.strictSame(uncarriedOf(inet(0)), [], 'as a new link has it')
    t.strictSame(uncarriedOf(inet(0, 7, 8)), ['IFLA_AF_SPEC.AF_INET.IFLA_INET_CONF'])
    t.strictSame(uncarriedOf(conf(10, 2, new Array<number>(200).fill(1))), [])
    t.strictSame(uncarriedOf(attribute(23, new Uint8Array(27 * 8).fill(1))), [], 'statistics')
  },
)

t.test('unknown attributes are kept', async t => {
  const bytesOfAnswer = answer(
    attribute(200, 'ff'),
    attribute(52, attribute(53, Buffer.from('one\0')), attribute(53, Buffer.from('two\0'))),
  )
  const told = decoded(linkBody, bytesOfAnswer)
  t.match(told.attributes.unknown, [{ type: 200, bytes: Uint8Array.of(255) }])
  t.strictSame(link.fromBody(told, devices).alternativeNames, ['one', 'two'])
})

t.test('what is no link is an error that says where', async t => {
  const cut = (...attributes: Buffer[]): Buffer => bytes(ifinfomsg(3), ...attributes)
  const info = attribute(18, attribute(1, Buffer.from('veth\0')), attribute(2, bytes(u16(3), u16(1))))
  t.throws(() => decoded(linkBody, cut(info)), {
    name: 'DecodeError',
    message: /^IFLA_LINKINFO\.IFLA_INFO_DATA\.VETH_INFO_PEER: /,
  })
  t.throws(() => decoded(linkBody, cut(bytes(u16(99), u16(4)))), {
    name: 'DecodeError',
    message: /^IFLA_MTU: /,
  })
  t.strictSame(decoded(linkBody, bytes('00')), {
    family: 'unspec',
    type: 0,
    index: 0,
    flags: 0,
    change: 0,
    attributes: {},
  })
})

t.test('keys', async t => {
  t.strictSame(link.toDelete('pm1', devices), { attributes: { name: 'pm1' } })
  t.strictSame(link.toDelete(3, devices), { index: 3 })
  t.throws(() => link.toDelete(0, devices), RangeError)
  t.throws(() => link.toDelete('', devices), TypeError)
  t.equal(link.command('delete', 'pm1'), 'ip link delete dev pm1')
  t.equal(link.command('get', 'pm1'), 'ip link show dev pm1')
})

t.test('an array of sysctls whose first value looks like the header of an attribute', async t => {
  const values = new Int32Array(33).fill(0)
  values[0] = 0x0001_0008
  values[7] = 1
  const bytes = new Uint8Array(values.buffer)
  const sysctls = inetConf.get(new DataView(bytes.buffer), 0, bytes.length)
  t.match(sysctls, { forwarding: 0x0001_0008, rp_filter: 1 })
})

t.test('what a bridge tells of the VLANs of a port', async t => {
  const vlan = attribute(26, attribute(2, bytes(u16(6), u16(1))))
  const port = bytes('07 00', u16(1), u32(3), u32(0), u32(0), attribute(3, Buffer.from('a0\0')), vlan)
  const { family, attributes } = decoded(linkBody, port)
  t.match({ family, attributes }, { family: 'bridge', attributes: { name: 'a0', unknown: [{ type: 26 }] } })
})
