import t from 'tap'
import type { InferInput } from '../../src/netlink/codec/index.js'
import { socketFrom, socketRequests, type InetSocketQuery } from '../../src/sock-diag/index.js'
import { inetDiagReply, inetDiagRequest } from '../../src/sock-diag/inet-diag.js'
import { sockDiagProtocol } from '../../src/sock-diag/protocol.js'
import { decoded, encoded } from '../helpers/coding.js'
import { attribute, bytes, u16, u32, u64 } from '../helpers/netlink-bytes.js'

const sent = (query: InetSocketQuery): Uint8Array[] =>
  socketRequests(query).map(({ body }) =>
    encoded(inetDiagRequest.body, body as InferInput<typeof inetDiagRequest.body>),
  )

const request = (head: string, states: number, ports: string, ...attributes: Buffer[]): Buffer =>
  bytes(head, u32(states), ports, Buffer.alloc(44), ...attributes)

t.test('one dump for each family', async t => {
  t.same(sent({}), [
    request('02 06 00 00', 0xffff_ffff, '0000 0000'),
    request('0a 06 00 00', 0xffff_ffff, '0000 0000'),
  ])
  t.same(sent({ family: 'inet6' }), [request('0a 06 00 00', 0xffff_ffff, '0000 0000')])
})

t.test('what is asked for', async t => {
  const query: InetSocketQuery = {
    family: 'inet',
    protocol: 'udp',
    states: ['established', 'closed'],
    localPort: 53,
    remotePort: 1024,
    details: true,
  }
  t.same(sent(query), [request('02 11 7a 00', 0x82, '0035 0400')])
  const [ranged] = sent({ family: 'inet', localPorts: [31000, 31007] })
  t.same(
    ranged,
    request(
      '02 06 00 00',
      0xffff_ffff,
      '0000 0000',
      attribute(1, '02 08', u16(20), '00 00', u16(31000), '03 08', u16(12), '00 00', u16(31007)),
    ),
  )
})

const wrong: [InetSocketQuery, RegExp][] = [
  [{ protocol: 'icmp' as 'tcp' }, /: protocol is 'icmp': expected one of 'tcp'/],
  [{ family: 'unix' as 'inet' }, /: family is 'unix': expected one of 'inet'/],
  [{ states: ['open' as 'listening'] }, /: states\[0\] is 'open': expected one of 'established'/],
  [{ localPort: 70000 }, /70000/],
  [{ localPorts: [1, 70000] }, /: localPorts\[1\] is 70000: expected a whole number from 0 to 65535/],
  [{ localPorts: [-1, 7] }, /: localPorts\[0\] is -1: expected a whole number from 0 to 65535/],
  [{ localPorts: [8, 7] }, /^localPorts: 8 to 7 is no range/],
]

for (const [query, message] of wrong) {
  t.test(`refused before anything is sent: ${JSON.stringify(query)}`, async t => {
    t.throws(() => sent(query), { message })
  })
}

const reply = (head: string, addresses: string, ...attributes: Buffer[]) =>
  decoded(
    inetDiagReply.body,
    bytes(
      head,
      '7918 0400',
      addresses,
      u32(3),
      u32(7),
      u32(1),
      ...[10, 20, 30, 1000, 4711].map(u32),
      ...attributes,
    ),
  )

const V4 = `0a090002${'0'.repeat(24)}0a090001${'0'.repeat(24)}`
const V6 = `fd${'0'.repeat(29)}2fd${'0'.repeat(29)}1`

t.test('a socket', async t => {
  t.strictSame(socketFrom(reply('02 01 02 03', V4), 'tcp'), {
    family: 'inet',
    protocol: 'tcp',
    state: 'established',
    localAddress: '10.9.0.2',
    localPort: 31000,
    remoteAddress: '10.9.0.1',
    remotePort: 1024,
    ifindex: 3,
    uid: 1000,
    inode: 4711,
    cookie: (1n << 32n) | 7n,
    receiveQueue: 20,
    sendQueue: 30,
    retransmissions: 3,
    timerExpires: 10,
  })
  t.match(socketFrom(reply('0a 0a 00 00', V6, attribute(11, '01')), 'tcp'), {
    family: 'inet6',
    state: 'listening',
    localAddress: 'fd00::2',
    remoteAddress: 'fd00::1',
    v6only: true,
  })
})

t.test('details', async t => {
  const details = [
    attribute(2, '01'),
    attribute(4, Buffer.from('cubic\0')),
    attribute(5, '10'),
    attribute(7, ...Array.from({ length: 9 }, (_, i) => u32(i + 1))),
    attribute(21, u64(99n)),
    attribute(77, 'ff'),
  ]
  t.match(socketFrom(reply('02 01 00 00', V4, ...details), 'tcp'), {
    tos: 0x10,
    congestion: 'cubic',
    cgroupId: 99n,
    memory: { rmemAlloc: 1, drops: 9 },
    tcpInfo: { state: 'established', rto: 0 },
  })
  t.notOk(
    'tcpInfo' in socketFrom(reply('02 01 00 00', V4, ...details), 'sctp'),
    'another struct, of another protocol',
  )
})

t.test('requests and answers share their number and are told apart', async t => {
  t.equal(sockDiagProtocol.messages.get(20), inetDiagRequest)
  t.equal(sockDiagProtocol.replies?.get(20), inetDiagReply)
})
