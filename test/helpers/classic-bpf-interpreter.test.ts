import t from 'tap'
import { fromBytecode } from '../../src/tc/classic-bpf/bytecode.js'
import { run } from './classic-bpf-interpreter.js'
import { ethernet, icmp, ipv4, IPPROTO_ICMP, IPPROTO_TCP, tcp, TCP_SYN } from './packets.js'

/** Programs of libpcap 1.10.3 (`tcpdump -y EN10MB -ddd`): what they answer is known from their expression. */
const programs = {
  'tcp dst port 80':
    '16,40 0 0 12,21 0 4 34525,48 0 0 20,21 0 11 6,40 0 0 56,21 8 9 80,21 0 8 2048,48 0 0 23,21 0 6 6,' +
    '40 0 0 20,69 4 0 8191,177 0 0 14,72 0 0 16,21 0 1 80,6 0 0 262144,6 0 0 0',
  'icmp[icmptype] = icmp-echo':
    '11,40 0 0 12,21 0 8 2048,48 0 0 23,21 0 6 1,40 0 0 20,69 4 0 8191,177 0 0 14,80 0 0 14,21 0 1 8,6 0 0 262144,6 0 0 0',
  'len > 60 and ip[8] * 2 = 128 and ip[9] % 4 = 2 and ip[2:2] / 2 - 1 = 29':
    '15,128 0 0 0,37 0 12 60,40 0 0 12,21 0 10 2048,48 0 0 22,36 0 0 2,21 0 7 128,48 0 0 23,148 0 0 4,21 0 4 2,' +
    '40 0 0 16,52 0 0 2,21 0 1 30,6 0 0 262144,6 0 0 0',
  'ip[0] >> 4 = 4 and (ip[0] & 0xf) << 2 = 20 and ip[8] ^ 0xff = 0xbf and ip[8] | 1 = 65 and -ip[8] = 0xffffffc0':
    '20,40 0 0 12,21 0 17 2048,48 0 0 14,116 0 0 4,21 0 14 4,48 0 0 14,84 0 0 15,100 0 0 2,21 0 10 20,48 0 0 22,' +
    '164 0 0 255,21 0 7 191,48 0 0 22,68 0 0 1,21 0 4 65,48 0 0 22,132 0 0 0,21 0 1 4294967232,6 0 0 262144,6 0 0 0',
} as const

const macs = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' }
const ends = { source: '192.0.2.1', destination: '192.0.2.2' }
const datagram = (
  protocol: number,
  payload: Uint8Array,
  fields: { ttl?: number; options?: Uint8Array } = {},
) => ethernet(macs, ipv4({ ...ends, protocol, ...fields }, payload))
const syn = (destinationPort: number) =>
  tcp({ sourcePort: 4000, destinationPort, flags: TCP_SYN }, new Uint8Array(20), ends)

const accepts = (expression: keyof typeof programs, bytes: Uint8Array) =>
  run(fromBytecode(programs[expression]), { bytes }) === 262144

t.test('programs of libpcap give the answers of their expressions', async t => {
  t.ok(accepts('tcp dst port 80', datagram(IPPROTO_TCP, syn(80))))
  t.ok(
    accepts('tcp dst port 80', datagram(IPPROTO_TCP, syn(80), { options: new Uint8Array(8) })),
    'indirect load',
  )
  t.notOk(accepts('tcp dst port 80', datagram(IPPROTO_TCP, syn(81))))
  t.ok(accepts('icmp[icmptype] = icmp-echo', datagram(IPPROTO_ICMP, icmp({ type: 8 }, new Uint8Array(0)))))
  t.notOk(accepts('icmp[icmptype] = icmp-echo', datagram(IPPROTO_ICMP, icmp({ type: 0 }, new Uint8Array(0)))))

  const arithmetic = 'len > 60 and ip[8] * 2 = 128 and ip[9] % 4 = 2 and ip[2:2] / 2 - 1 = 29'
  t.ok(accepts(arithmetic, datagram(IPPROTO_TCP, syn(80))))
  t.notOk(accepts(arithmetic, datagram(IPPROTO_TCP, syn(80).subarray(2))), 'two bytes shorter')
  const bits =
    'ip[0] >> 4 = 4 and (ip[0] & 0xf) << 2 = 20 and ip[8] ^ 0xff = 0xbf and ip[8] | 1 = 65 and -ip[8] = 0xffffffc0'
  t.ok(accepts(bits, datagram(IPPROTO_TCP, syn(80))))
  t.notOk(accepts(bits, datagram(IPPROTO_TCP, syn(80), { ttl: 63 })))
})

t.test('a load beyond the packet ends with 0', async t => {
  const lastByte = fromBytecode('2,48 0 0 3,6 0 0 9')
  t.equal(run(lastByte, { bytes: new Uint8Array(4) }), 9)
  t.equal(run(lastByte, { bytes: new Uint8Array(3) }), 0)
  for (const load of ['32 0 0 1', '40 0 0 3', '48 0 0 4', '177 0 0 4']) {
    t.equal(run(fromBytecode(`2,${load},6 0 0 9`), { bytes: new Uint8Array(4) }), 0, load)
  }
})

t.test('registers, memory and division by zero', async t => {
  const bytes = Uint8Array.from([5])
  t.equal(
    run(fromBytecode('6,48 0 0 0,2 0 0 3,97 0 0 3,135 0 0 0,12 0 0 0,22 0 0 0'), { bytes }),
    10,
    'st ldx txa add',
  )
  t.equal(run(fromBytecode('3,48 0 0 0,60 0 0 0,6 0 0 9'), { bytes }), 0, 'division by X = 0')
})

t.test('a tag that the kernel took off', async t => {
  const tci = fromBytecode('2,32 0 0 4294963244,22 0 0 0')
  const present = fromBytecode('2,32 0 0 4294963248,22 0 0 0')
  const bytes = new Uint8Array(0)
  t.equal(run(tci, { bytes, vlanTci: 0xe005 }), 0xe005)
  t.equal(run(present, { bytes, vlanTci: 0 }), 1)
  t.equal(run(present, { bytes }), 0)
})
