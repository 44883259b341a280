import fc from 'fast-check'
import t, { type TAP as Tap } from 'tap'
import { PortRanges } from '../../src/isolator/ports/port-ranges.js'
import { dropAll } from '../../src/isolator/programs/drop-all.js'
import { inside } from '../../src/isolator/programs/inside.js'
import { local } from '../../src/isolator/programs/local.js'
import { martian, martianAddresses } from '../../src/isolator/programs/martian.js'
import { vid0 } from '../../src/isolator/programs/vid0.js'
import { wire } from '../../src/isolator/programs/wire.js'
import type { Program } from '../../src/tc/classic-bpf/program.js'
import { run, type Skb } from '../helpers/classic-bpf-interpreter.js'
import {
  arp,
  BROADCAST,
  ETH_P_ARP,
  ethernet,
  icmp,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  tcp,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  udp,
  type ArpFields,
  type IcmpFields,
  type Ipv4Fields,
} from '../helpers/packets.js'

const HOST = '10.9.0.2'
const LOCALHOST = '127.0.0.1'
const REMOTE = '10.9.0.1'
/** Where systemd-resolved answers, and where Debian has the host's name. */
const OTHER_LOOPBACKS = ['127.0.0.53', '127.0.1.1', '127.0.0.0', '127.255.255.255']
const HOST_MAC = '02:00:0a:09:00:02'
const GATEWAY_MAC = '02:00:0a:09:00:01'
const ports = PortRanges.from('31000-31007,32768-33791')
const OWN = 31000
const FOREIGN = 31008
const HOST_PORT = 22

/** Those with ports in their first four bytes that the helpers do not build, linux/in.h. */
const IPPROTO_DCCP = 33
const IPPROTO_SCTP = 132
const IPPROTO_UDPLITE = 136
const PORT_PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE]

const MATCH = 0xffffffff
const NO_MATCH = 0
const UNSPEC = 0xffffffff
const OK = 0
const SHOT = 2

type Fields = Partial<Ipv4Fields> & { mac?: string; to?: string }

/** An Ethernet frame from the container with an IPv4 datagram. */
const ip = (payload: Uint8Array, { mac = HOST_MAC, to = GATEWAY_MAC, ...fields }: Fields = {}) =>
  ethernet(
    { source: mac, destination: to },
    ipv4({ source: HOST, destination: REMOTE, protocol: IPPROTO_UDP, ...fields }, payload),
  )

/** A datagram with ports; the protocol decides nothing else, the first 8 bytes are UDP's. */
const ported = (sourcePort: number, destinationPort: number, fields: Fields = {}) =>
  ip(udp({ sourcePort, destinationPort }, new Uint8Array(0)), fields)

const segment = (destinationPort: number, flags: number, destination: string) =>
  ip(tcp({ sourcePort: OWN, destinationPort, flags }, new Uint8Array(0), { source: HOST, destination }), {
    protocol: IPPROTO_TCP,
    destination,
  })

const ping = (fields: Partial<IcmpFields> = {}, datagram: Fields = {}) =>
  ip(icmp({ type: 8, ...fields }, new Uint8Array(0)), { protocol: IPPROTO_ICMP, ...datagram })

/** An ICMP error about a datagram from `REMOTE` to a port of the host. */
const unreachable = (
  quotedPort: number,
  { fields = {}, quoted = {} }: { fields?: Partial<IcmpFields>; quoted?: Partial<Ipv4Fields> } = {},
) =>
  ip(
    icmp(
      { type: 3, code: 3, ...fields },
      ipv4(
        { source: REMOTE, destination: HOST, protocol: IPPROTO_UDP, ...quoted },
        udp({ sourcePort: 53, destinationPort: quotedPort }, new Uint8Array(0)),
      ),
    ),
    { protocol: IPPROTO_ICMP },
  )

/** "Port unreachable" from a container to who sent `from` -> `to`, by an address that both have. */
const refusal = (
  from: number,
  to: number,
  {
    fields = {},
    quoted = {},
    ...outer
  }: { fields?: Partial<IcmpFields>; quoted?: Partial<Ipv4Fields> } & Fields = {},
) =>
  ip(
    icmp(
      { type: 3, code: 3, ...fields },
      ipv4(
        { source: HOST, destination: HOST, protocol: IPPROTO_UDP, ...quoted },
        udp({ sourcePort: from, destinationPort: to }, new Uint8Array(0)),
      ),
    ),
    { protocol: IPPROTO_ICMP, destination: HOST, ...outer },
  )

const arpFrame = (fields: Partial<ArpFields> = {}, mac = HOST_MAC) =>
  ethernet(
    { source: mac, destination: BROADCAST, type: ETH_P_ARP },
    arp({ operation: 'request', senderMac: HOST_MAC, senderIp: HOST, targetIp: REMOTE, ...fields }),
  )

/** A frame with one byte changed. */
const changed = (frame: Uint8Array, offset: number, value: number) => {
  const copy = Uint8Array.from(frame)
  copy[offset] = value
  return copy
}

type Row = readonly [about: string, frame: Uint8Array | Skb]

const verdicts = (t: Pick<Tap, 'equal'>, program: Program, verdict: number, rows: readonly Row[]) => {
  for (const [about, frame] of rows) {
    t.equal(run(program, frame instanceof Uint8Array ? { bytes: frame } : frame), verdict, about)
  }
}

/** Where a frame's bytes may be changed: for every offset the values that the program must accept. */
const acceptsExactly = (
  t: Pick<Tap, 'strictSame' | 'equal'>,
  program: Program,
  frame: Uint8Array,
  allowed: Record<number, (value: number) => boolean>,
  free: readonly number[],
) => {
  t.equal(run(program, { bytes: frame }), MATCH, 'the frame itself')
  const accepted: string[] = []
  const expected: string[] = []
  for (let offset = 0; offset < frame.length; offset++) {
    for (let value = 0; value < 256; value++) {
      const may = allowed[offset]?.(value) ?? (free.includes(offset) || value === frame[offset])
      if (may) expected.push(`${offset}: ${value}`)
      if (run(program, { bytes: changed(frame, offset, value) }) === MATCH)
        accepted.push(`${offset}: ${value}`)
    }
  }
  t.strictSame(accepted, expected, 'with any one byte changed')
}

/** Neither a cut frame nor one with a VLAN tag, in the skb or in the frame, ever matches. */
const failsClosed = (t: Pick<Tap, 'equal'>, program: Program, frame: Uint8Array, needed: number) => {
  for (let length = 0; length < needed; length++) {
    t.equal(run(program, { bytes: frame.subarray(0, length) }), NO_MATCH, `cut to ${length} bytes`)
  }
  t.equal(run(program, { bytes: frame.subarray(0, needed) }), MATCH, `cut to ${needed} bytes`)
}

const untaggedOnly = (t: Pick<Tap, 'equal'>, program: Program, frame: Buffer) => {
  const tagged = (tci: number) =>
    Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, tci >> 8, tci & 255]), frame.subarray(12)])
  verdicts(t, program, NO_MATCH, [
    ['VID 0, taken off by the kernel', { bytes: frame, vlanTci: 0 }],
    ['VID 5, taken off by the kernel', { bytes: frame, vlanTci: 5 }],
    ['VID 0 in the frame', tagged(0)],
    ['VID 5 in the frame', tagged(5)],
    ['two tags', { bytes: tagged(5), vlanTci: 5 }],
  ])
}

t.test('MARTIAN', async t => {
  const program = martian(HOST)
  verdicts(t, program, SHOT, [
    ['source is the host', ported(1, 2, { source: HOST, destination: HOST })],
    ['source is the host, to anywhere', ported(1, 2, { source: HOST, destination: '192.0.2.1' })],
    ['source is 127.0.0.1', ported(1, 2, { source: LOCALHOST, destination: HOST })],
    ['source is in 127/8', ported(1, 2, { source: '127.255.255.255', destination: HOST })],
    ['destination is in 127/8', ported(1, 2, { source: REMOTE, destination: '127.0.0.1' })],
    ['whatever the protocol', ip(new Uint8Array(0), { protocol: 50, source: HOST })],
    ['whatever the options', ported(1, 2, { source: HOST, options: new Uint8Array(40) })],
    ['a later fragment', ip(new Uint8Array(8), { source: HOST, fragmentOffset: 8 })],
  ])
  verdicts(t, program, UNSPEC, [
    ['source is a neighbour', ported(1, 2, { source: REMOTE, destination: HOST })],
    ['source differs in the last bit', ported(1, 2, { source: '10.9.0.3', destination: HOST })],
    ['source 126/8', ported(1, 2, { source: '126.0.0.1', destination: HOST })],
    ['source 128/8', ported(1, 2, { source: '128.0.0.1', destination: HOST })],
    ['ARP', arpFrame()],
  ])
  // A tag behind the one that the kernel took off.
  const inner = (tci: number, type: number) =>
    changed(
      changed(ip(Buffer.from([tci >> 8, tci & 255]), { source: REMOTE }), 12, type >> 8),
      13,
      type & 255,
    )
  const behind = (tci: number, type = 0x8100) => {
    const frame = inner(tci, type)
    frame[14] = tci >> 8
    frame[15] = tci & 255
    return frame
  }
  verdicts(t, program, SHOT, [
    ['a priority tag behind a priority tag', { bytes: behind(0), vlanTci: 0 }],
    ['whatever the priorities', { bytes: behind(0xe000), vlanTci: 0xa000 }],
    ['an 802.1ad one', { bytes: behind(0, 0x88a8), vlanTci: 0 }],
    ['source is the host, behind a priority tag', { bytes: ported(1, 2, { source: HOST }), vlanTci: 0 }],
  ])
  verdicts(t, program, UNSPEC, [
    ['a VLAN behind a priority tag', { bytes: behind(5), vlanTci: 0 }],
    ['a priority tag in a VLAN', { bytes: behind(0), vlanTci: 5 }],
    ['a VLAN in a VLAN', { bytes: behind(5, 0x88a8), vlanTci: 5 }],
  ])
  t.equal(
    run(program, { bytes: new Uint8Array(13) }),
    OK,
    'too short for an EtherType: the host drops it itself',
  )
})

t.test('VID0', async t => {
  const bytes = ported(1, 2)
  verdicts(t, vid0, UNSPEC, [
    ['VID 0', { bytes, vlanTci: 0 }],
    ['VID 0 with priority 7 and DEI', { bytes, vlanTci: 0xf000 }],
  ])
  verdicts(t, vid0, OK, [
    ['VID 1', { bytes, vlanTci: 1 }],
    ['VID 4095', { bytes, vlanTci: 0xfff }],
    ['VID 5 with priority 7', { bytes, vlanTci: 0xe005 }],
  ])
})

t.test('DROP', async t => {
  verdicts(t, dropAll, SHOT, [
    ['an empty frame', new Uint8Array(0)],
    ['a good frame', ported(OWN, HOST_PORT)],
    ['a tagged frame', { bytes: ported(OWN, HOST_PORT), vlanTci: 0 }],
  ])
})

t.test('LOCAL', async t => {
  const program = local({ address: HOST, mac: HOST_MAC, ports })
  const toHost = (fields: Fields = {}) => ported(OWN, HOST_PORT, { destination: HOST, ...fields })

  verdicts(t, program, MATCH, [
    ['host IP to host IP', toHost()],
    ['host IP to 127.0.0.1', toHost({ destination: LOCALHOST })],
    ['127.0.0.1 to 127.0.0.1', toHost({ source: LOCALHOST, destination: LOCALHOST })],
    ['127.0.0.1 to host IP', toHost({ source: LOCALHOST })],
    ...OTHER_LOOPBACKS.flatMap((destination): Row[] => [
      [`host IP to ${destination}`, toHost({ destination })],
      [`127.0.0.1 to ${destination}`, toHost({ source: LOCALHOST, destination })],
    ]),
    ['another container', ported(OWN, FOREIGN, { destination: HOST })],
    ['from an ephemeral port', ported(33791, HOST_PORT, { destination: HOST })],
    ['"do not fragment"', toHost({ dontFragment: true })],
    ['whatever the destination MAC', toHost({ to: BROADCAST })],
    ...[6, 17, 33, 132, 136].map((protocol): Row => [`protocol ${protocol}`, toHost({ protocol })]),
  ])
  verdicts(t, program, NO_MATCH, [
    ['to elsewhere', ported(OWN, HOST_PORT)],
    ['to 126/8', toHost({ destination: '126.0.0.1' })],
    ['to 128/8', toHost({ destination: '128.0.0.1' })],
    ['from elsewhere (A05, A07)', toHost({ source: '192.0.2.9' })],
    ...OTHER_LOOPBACKS.flatMap((source): Row[] => [
      [`from ${source}`, toHost({ source })],
      [`from ${source} to 127.0.0.1`, toHost({ source, destination: LOCALHOST })],
      [`from ${source} to itself`, toHost({ source, destination: source })],
      [`to a port of its own at ${source}`, ported(OWN, OWN + 1, { destination: source })],
      [`from a port of another container to ${source}`, ported(FOREIGN, HOST_PORT, { destination: source })],
    ]),
    ['from elsewhere to a loopback address', toHost({ source: REMOTE, destination: '127.0.0.53' })],
    ['from a port of another container (A02)', ported(FOREIGN, HOST_PORT, { destination: HOST })],
    ['to a port of its own (A35)', ported(OWN, OWN + 1, { destination: HOST })],
    ['with a foreign MAC (A04)', toHost({ mac: GATEWAY_MAC })],
    ['IP options (A14)', toHost({ options: Uint8Array.of(0x79, 24) })],
    ['a first fragment', toHost({ moreFragments: true })],
    ['a later fragment (A16)', toHost({ fragmentOffset: 8 })],
    ['ICMP (A30)', ping({}, { destination: HOST })],
    ...[50, 51, 47, 4, 2, 89, 112, 253].map((protocol): Row => [
      `protocol ${protocol} (A18)`,
      toHost({ protocol }),
    ]),
    ['ARP', arpFrame()],
    ['a total length that ends before the ports', toHost({ totalLength: 27 })],
  ])
  untaggedOnly(t, program, toHost())
  failsClosed(t, program, toHost(), 42)
  const free = [0, 1, 2, 3, 4, 5, 15, 18, 19, 22, 24, 25, 38, 39, 40, 41]
  acceptsExactly(
    t,
    program,
    toHost(),
    {
      16: () => true,
      17: value => value >= 28,
      20: value => (value & 0x3f) === 0,
      23: value => [6, 17, 33, 132, 136].includes(value),
      30: value => value === 10 || value === 127,
      34: value => ports.has((value << 8) | (OWN & 255)),
      35: value => ports.has((OWN & 0xff00) | value),
      36: value => !ports.has((value << 8) | HOST_PORT),
      37: value => !ports.has(value),
    },
    free,
  )
})

t.test('LOCAL: ICMP', async t => {
  const program = local({ address: HOST, mac: HOST_MAC, ports })
  const both = (address: string, other = address) => ({
    source: address,
    destination: other,
    quoted: { source: other, destination: address },
  })
  verdicts(t, program, MATCH, [
    ['to another container', refusal(FOREIGN, OWN)],
    ['to the host', refusal(60000, 32768)],
    ['by 127.0.0.1', refusal(FOREIGN, OWN, both(LOCALHOST))],
    ['by both', refusal(FOREIGN, OWN, both(HOST, LOCALHOST))],
    ['to another loopback address', refusal(60000, OWN, both(LOCALHOST, '127.0.0.53'))],
    ['protocol unreachable', refusal(FOREIGN, OWN, { fields: { code: 2 } })],
    ...[6, 33, 132, 136].map((protocol): Row => [
      `about protocol ${protocol}`,
      refusal(FOREIGN, OWN, { quoted: { protocol } }),
    ]),
  ])
  verdicts(t, program, NO_MATCH, [
    ['about a port of another container', refusal(FOREIGN, FOREIGN + 1)],
    ['about a packet from a port of its own', refusal(OWN + 1, OWN)],
    ['about a packet from elsewhere', refusal(FOREIGN, OWN, { quoted: { source: REMOTE } })],
    ['about a packet to elsewhere', refusal(FOREIGN, OWN, { quoted: { destination: REMOTE } })],
    ['by another address than the packet came to', refusal(FOREIGN, OWN, { source: LOCALHOST })],
    ['to another address than the packet came from', refusal(FOREIGN, OWN, { destination: LOCALHOST })],
    ['from elsewhere', refusal(FOREIGN, OWN, both(REMOTE, HOST))],
    ['from another loopback address', refusal(60000, OWN, both('127.0.0.53', LOCALHOST))],
    ['to elsewhere', refusal(FOREIGN, OWN, both(HOST, REMOTE))],
    ['with a foreign MAC', refusal(FOREIGN, OWN, { mac: GATEWAY_MAC })],
    ['with IP options', refusal(FOREIGN, OWN, { options: new Uint8Array(4) })],
    ['fragmented', refusal(FOREIGN, OWN, { moreFragments: true })],
    ['a later fragment', refusal(FOREIGN, OWN, { fragmentOffset: 8 })],
    ['about a later fragment', refusal(FOREIGN, OWN, { quoted: { fragmentOffset: 8 } })],
    ['about a packet with options', refusal(FOREIGN, OWN, { quoted: { options: new Uint8Array(4) } })],
    ['about ICMP', refusal(FOREIGN, OWN, { quoted: { protocol: IPPROTO_ICMP } })],
    ...[0, 1, 4, 5, 13].map((code): Row => [`code ${code}`, refusal(FOREIGN, OWN, { fields: { code } })]),
    ...[0, 4, 5, 8, 11, 12].map((type): Row => [`type ${type}`, refusal(FOREIGN, OWN, { fields: { type } })]),
  ])
  untaggedOnly(t, program, refusal(FOREIGN, OWN))
  failsClosed(t, program, refusal(FOREIGN, OWN), 70)
  const hostAccess = {
    services: PortRanges.empty,
    managed: PortRanges.empty,
    hostEphemeral: PortRanges.empty,
  }
  const limited = local({ address: HOST, mac: HOST_MAC, ports, hostAccess })
  t.equal(run(limited, { bytes: refusal(80, OWN) }), MATCH, 'also with limited host access')
})

/** A packet to the host whose byte `at` of the transport header says what it is. */
const packetWithType = (protocol: number, port: number, at: number, type: number) => {
  const header = new Uint8Array(32)
  header.set(udp({ sourcePort: OWN, destinationPort: port }, new Uint8Array(0)).subarray(0, 4))
  header[at] = type
  return ip(header, { destination: HOST, protocol })
}
/** RFC 9260, section 3.2: types of chunks. */
const [SCTP_DATA, SCTP_INIT, SCTP_INIT_ACK] = [0, 1, 2]
const sctp = (port: number, chunk: number) => packetWithType(IPPROTO_SCTP, port, 12, chunk)
/** RFC 4340, section 5.1: types of packets, between three reserved bits and one that says how long sequence numbers are. */
const [DCCP_REQUEST, DCCP_RESPONSE] = [0, 1]
const dccp = (port: number, type: number, otherBits = 1) =>
  packetWithType(IPPROTO_DCCP, port, 8, (type << 1) | otherBits)

/** The host's other addresses. */
const HOST_ADDRESSES = ['10.9.0.7', '172.17.0.1', '192.0.2.7']
/** Beside them. */
const NOT_OF_HOST = ['10.9.0.6', '10.9.0.8', '172.17.0.0', '172.17.0.2', '192.0.2.6', '192.0.2.9']

t.test("the host's other addresses", async t => {
  const options = { address: HOST, hostAddresses: HOST_ADDRESSES, mac: HOST_MAC, ports }
  const hostAccess = {
    services: PortRanges.from('53'),
    managed: PortRanges.from('31000-32000,32768-57344'),
    hostEphemeral: PortRanges.from('57345-60999'),
  }
  const [toLocal, restricted] = [local(options), local({ ...options, hostAccess })]
  const [toWire, stays] = [wire(options), inside(options)]
  for (const destination of HOST_ADDRESSES) {
    const name = `to ${destination}`
    const toHost = (fields: Fields = {}) => ported(OWN, HOST_PORT, { destination, ...fields })
    const quotes = (source: string) => ({
      source,
      destination,
      quoted: { source: destination, destination: source },
    })
    verdicts(t, toLocal, MATCH, [
      [`LOCAL, ${name}`, toHost()],
      [`LOCAL, ${name}, a port of another container`, ported(OWN, FOREIGN, { destination })],
      [`LOCAL, "unreachable" ${name}`, refusal(60000, OWN, quotes(HOST))],
    ])
    verdicts(t, toLocal, NO_MATCH, [
      [`LOCAL, ${name} from 127.0.0.1`, toHost({ source: LOCALHOST })],
      [`LOCAL, ${name} from another loopback address`, toHost({ source: '127.0.0.53' })],
      [`LOCAL, ${name} from itself`, toHost({ source: destination })],
      [`LOCAL, ${name} from elsewhere`, toHost({ source: REMOTE })],
      [`LOCAL, from ${destination}`, ported(OWN, HOST_PORT, { source: destination, destination: HOST })],
      [`LOCAL, from ${destination} to 127.0.0.1`, toHost({ source: destination, destination: LOCALHOST })],
      [`LOCAL, ${name} from a port of another container`, ported(FOREIGN, HOST_PORT, { destination })],
      [`LOCAL, ${name}, a port of its own`, ported(OWN, OWN + 1, { destination })],
      [`LOCAL, ${name} with a foreign MAC`, toHost({ mac: GATEWAY_MAC })],
      [`LOCAL, ${name}, fragmented`, toHost({ moreFragments: true })],
      [`LOCAL, ping ${name}`, ping({}, { destination })],
      [`LOCAL, "unreachable" ${name} from 127.0.0.1`, refusal(60000, OWN, quotes(LOCALHOST))],
    ])
    verdicts(t, restricted, MATCH, [
      [`hostAccess: a service ${name}`, segment(53, TCP_SYN, destination)],
      [`hostAccess: an answer ${name}`, segment(60000, TCP_SYN | TCP_ACK, destination)],
    ])
    verdicts(t, restricted, NO_MATCH, [
      [`hostAccess: another port ${name}`, segment(22, TCP_SYN, destination)],
      [
        `hostAccess: a port that containers have at the shared address, ${name}`,
        segment(FOREIGN, TCP_SYN, destination),
      ],
      [`hostAccess: a new connection ${name}`, segment(60000, TCP_SYN, destination)],
    ])
    verdicts(t, toWire, NO_MATCH, [
      [`WIRE, ${name}`, toHost()],
      [`WIRE, ping ${name}`, ping({}, { destination })],
      [`WIRE, from ${destination}`, ported(OWN, HOST_PORT, { source: destination })],
    ])
    verdicts(t, stays, MATCH, [
      [`INSIDE, ${name}`, toHost()],
      [`INSIDE, "unreachable" ${name}`, refusal(60000, OWN, quotes(HOST))],
    ])
    verdicts(t, stays, NO_MATCH, [
      [`INSIDE, ${name}, a port of its own`, ported(OWN, OWN + 7, { destination })],
      [`INSIDE, ping ${name}`, ping({}, { destination })],
    ])
  }
  for (const destination of NOT_OF_HOST) {
    const frame = ported(OWN, HOST_PORT, { destination })
    t.equal(run(toLocal, { bytes: frame }), NO_MATCH, `LOCAL, to ${destination}`)
    t.equal(run(toWire, { bytes: frame }), MATCH, `WIRE, to ${destination}`)
    t.equal(run(stays, { bytes: frame }), NO_MATCH, `INSIDE, to ${destination}`)
  }
  // As without them.
  for (const destination of [HOST, LOCALHOST, '127.0.0.53']) {
    t.equal(
      run(toLocal, { bytes: ported(OWN, HOST_PORT, { destination }) }),
      MATCH,
      `LOCAL, to ${destination}`,
    )
    t.equal(
      run(stays, { bytes: ported(OWN, HOST_PORT, { destination }) }),
      MATCH,
      `INSIDE, to ${destination}`,
    )
  }
  failsClosed(t, toLocal, ported(OWN, HOST_PORT, { destination: HOST_ADDRESSES[2] as string }), 42)
})

t.test("MARTIAN with the host's other addresses", async t => {
  const program = martian(HOST, HOST_ADDRESSES)
  const from = (source: string, fields: Fields = {}) => ported(1, 2, { source, destination: HOST, ...fields })
  for (const source of HOST_ADDRESSES) {
    t.equal(run(program, { bytes: from(source) }), OK, `from ${source}: to the host`)
    t.equal(run(program, { bytes: from(source), vlanTci: 0 }), OK, `from ${source} behind a priority tag`)
    t.equal(run(program, { bytes: from(source, { destination: LOCALHOST }) }), SHOT, 'to 127.0.0.1: dropped')
  }
  verdicts(t, program, UNSPEC, [
    ...NOT_OF_HOST.map((source): Row => [`from ${source}`, from(source)]),
    ['to one of them', ported(1, 2, { source: REMOTE, destination: HOST_ADDRESSES[0] as string })],
    ['ARP', arpFrame()],
  ])
  verdicts(t, program, SHOT, [
    ['from the shared one', from(HOST)],
    ['from 127/8', from('127.0.0.53')],
  ])
  for (const others of [[], HOST_ADDRESSES.slice(0, 1), HOST_ADDRESSES])
    t.strictSame(
      martianAddresses(martian(HOST, others)),
      { shared: HOST, hostAddresses: others },
      'read back',
    )
  for (const other of [vid0, dropAll, program.slice(0, -1), [...program, ...vid0]])
    t.equal(martianAddresses(other), undefined, 'another program')
})

t.test('LOCAL with limited host access', async t => {
  const hostAccess = {
    services: PortRanges.from('53'),
    managed: PortRanges.from('31000-32000,32768-57344'),
    hostEphemeral: PortRanges.from('57345-60999'),
  }
  const program = local({ address: HOST, mac: HOST_MAC, ports, hostAccess })
  const toPort = (port: number, protocol: number) => ported(OWN, port, { destination: HOST, protocol })
  verdicts(t, program, MATCH, [
    ['a service', toPort(53, IPPROTO_UDP)],
    ['a service by TCP', segment(53, TCP_SYN, HOST)],
    ['another container', segment(FOREIGN, TCP_SYN, HOST)],
    ['another container by 127.0.0.1', segment(FOREIGN, TCP_SYN, LOCALHOST)],
    ...OTHER_LOOPBACKS.flatMap((address): Row[] => [
      [`a service at ${address}`, segment(53, TCP_SYN, address)],
      [`an answer to a client of the host at ${address}`, segment(60000, TCP_SYN | TCP_ACK, address)],
    ]),
    ['an answer to a client of the host', segment(60000, TCP_SYN | TCP_ACK, HOST)],
    ['a reset', segment(60000, TCP_RST, HOST)],
    ['data', segment(60000, TCP_ACK, LOCALHOST)],
    ['UDP to a client of the host', toPort(60000, IPPROTO_UDP)],
    ...PORT_PROTOCOLS.map((protocol): Row => [`protocol ${protocol} to a service`, toPort(53, protocol)]),
    ...PORT_PROTOCOLS.map((protocol): Row => [
      `protocol ${protocol} to a container`,
      toPort(FOREIGN, protocol),
    ]),
    ['an SCTP answer', sctp(60000, SCTP_INIT_ACK)],
    ['SCTP data', sctp(60000, SCTP_DATA)],
    ['a DCCP answer', dccp(60000, DCCP_RESPONSE)],
    ['a DCCP answer with its other bits set', dccp(60000, DCCP_RESPONSE, 0xe1)],
  ])
  verdicts(t, program, NO_MATCH, [
    ['another host port (A49)', segment(22, TCP_SYN, HOST)],
    ...OTHER_LOOPBACKS.flatMap((destination): Row[] => [
      [`another port of ${destination}`, segment(22, TCP_SYN, destination)],
      [
        `a port of ${destination} that containers have at the shared address`,
        segment(FOREIGN, TCP_SYN, destination),
      ],
      ['the same by UDP', ported(OWN, FOREIGN, { destination })],
      [`a new connection to an ephemeral port of ${destination}`, segment(60000, TCP_SYN, destination)],
    ]),
    ['another host port by UDP', toPort(22, IPPROTO_UDP)],
    ['an answer from a host port', segment(22, TCP_SYN | TCP_ACK, HOST)],
    ['a new connection to an ephemeral port', segment(60000, TCP_SYN, HOST)],
    ['a new connection with ECN and other flags', segment(60000, TCP_SYN | 0xe8, HOST)],
    ['a TCP header cut off before its flags', toPort(60000, IPPROTO_TCP)],
    ['a port of its own', segment(OWN + 1, TCP_SYN, HOST)],
    ['an SCTP association', sctp(60000, SCTP_INIT)],
    ['a DCCP connection', dccp(60000, DCCP_REQUEST)],
    ['a DCCP connection with the other bits set', dccp(60000, DCCP_REQUEST, 0xe1)],
    ['UDP-Lite', toPort(60000, IPPROTO_UDPLITE)],
    ...PORT_PROTOCOLS.map((protocol): Row => [`protocol ${protocol} to another port`, toPort(22, protocol)]),
    ...[IPPROTO_SCTP, IPPROTO_DCCP].map((protocol): Row => [
      `protocol ${protocol} cut off before its type`,
      toPort(60000, protocol).subarray(0, 42),
    ]),
  ])
  const nothing = { ...hostAccess, services: PortRanges.empty, hostEphemeral: PortRanges.empty }
  const closed = local({ address: HOST, mac: HOST_MAC, ports, hostAccess: nothing })
  t.equal(run(closed, { bytes: toPort(53, IPPROTO_UDP) }), NO_MATCH)
  t.equal(run(closed, { bytes: toPort(FOREIGN, IPPROTO_UDP) }), MATCH)
})

t.test('WIRE: datagrams with ports', async t => {
  const program = wire({ address: HOST, mac: HOST_MAC, ports })
  const out = (fields: Fields = {}) => ported(OWN, 53, fields)
  verdicts(t, program, MATCH, [
    ['UDP', out()],
    ['from an ephemeral port', ported(32768, 53)],
    ['to a port like its own, elsewhere', ported(OWN, OWN)],
    ...[6, 17, 33, 132, 136].map((protocol): Row => [`protocol ${protocol}`, out({ protocol })]),
    ['to the first unicast network', out({ destination: '1.0.0.0' })],
    ['to the last unicast network', out({ destination: '223.255.255.255' })],
  ])
  verdicts(t, program, NO_MATCH, [
    ['from a foreign address (A01)', out({ source: '192.0.2.9' })],
    ['from 127.0.0.1 (A47)', out({ source: LOCALHOST })],
    ['from a port of another container (A02)', ported(FOREIGN, 53)],
    ['with a foreign MAC (A04)', out({ mac: GATEWAY_MAC })],
    ['to the host itself', out({ destination: HOST })],
    ['to 0.0.0.0', out({ destination: '0.0.0.0' })],
    ['to 127.0.0.1', out({ destination: LOCALHOST })],
    ['to multicast (A19)', out({ destination: '224.0.0.251' })],
    ['to broadcast (A19)', out({ destination: '255.255.255.255' })],
    ['unicast in a broadcast frame', out({ to: BROADCAST })],
    ['unicast in a multicast frame', out({ to: '01:00:5e:00:00:fb' })],
    ['IP options (A14)', out({ options: Uint8Array.of(0x79, 24) })],
    ['a first fragment', out({ moreFragments: true })],
    ['a later fragment (A16)', out({ fragmentOffset: 8 })],
    ...[50, 51, 47, 4, 2, 89, 112, 253].map((protocol): Row => [
      `protocol ${protocol} (A18)`,
      out({ protocol }),
    ]),
    ['IPv6 (A31)', changed(changed(out(), 12, 0x86), 13, 0xdd)],
  ])
  untaggedOnly(t, program, out())
  failsClosed(t, program, out(), 42)
  acceptsExactly(
    t,
    program,
    out(),
    {
      0: value => value % 2 === 0,
      16: () => true,
      17: value => value >= 28,
      20: value => (value & 0x3f) === 0,
      23: value => [6, 17, 33, 132, 136].includes(value),
      30: value => value > 0 && value < 224 && value !== 127,
      33: value => value !== 2,
      34: value => ports.has((value << 8) | (OWN & 255)),
      35: value => ports.has((OWN & 0xff00) | value),
    },
    [1, 2, 3, 4, 5, 15, 18, 19, 22, 24, 25, 31, 32, 36, 37, 38, 39, 40, 41],
  )
})

t.test('WIRE: ARP', async t => {
  const program = wire({ address: HOST, mac: HOST_MAC, ports })
  t.equal(run(program, { bytes: arpFrame() }), MATCH, 'a request of the host')
  verdicts(t, program, NO_MATCH, [
    ['a reply (A20)', arpFrame({ operation: 'reply' })],
    ['a request in the gateway’s name (A21)', arpFrame({ senderIp: REMOTE })],
    ['another MAC for the host (A20)', arpFrame({ senderMac: GATEWAY_MAC })],
    ['from another MAC', arpFrame({}, GATEWAY_MAC)],
    ['RARP request', arpFrame({ operation: 3 })],
  ])
  untaggedOnly(t, program, arpFrame())
  failsClosed(t, program, arpFrame(), 42)
  acceptsExactly(t, program, arpFrame(), {}, [
    0,
    1,
    2,
    3,
    4,
    5,
    ...Array.from({ length: 10 }, (_, i) => 32 + i),
  ])
})

t.test('WIRE: ICMP', async t => {
  const program = wire({ address: HOST, mac: HOST_MAC, ports })
  verdicts(t, program, MATCH, [
    ['echo request', ping()],
    ['port unreachable about an own port', unreachable(OWN)],
    ['protocol unreachable about an own port', unreachable(33000, { fields: { code: 2 } })],
    ...[6, 33, 132, 136].map((protocol): Row => [
      `about protocol ${protocol}`,
      unreachable(OWN, { quoted: { protocol } }),
    ]),
  ])
  verdicts(t, program, NO_MATCH, [
    ...[0, 4, 5, 9, 10, 11, 12, 13, 14, 17, 18].map((type): Row => [
      `type ${type} (A26, A44)`,
      ping({ type }),
    ]),
    ['echo request with a code', ping({ code: 1 })],
    ['echo request from a foreign address (A25)', ping({}, { source: '192.0.2.9' })],
    ['echo request to the host', ping({}, { destination: HOST })],
    ['echo request, fragmented', ping({}, { moreFragments: true })],
    ...[0, 1, 4, 5, 13].map((code): Row => [
      `unreachable code ${code} (A27)`,
      unreachable(OWN, { fields: { code } }),
    ]),
    ['about a port of another container (A28)', unreachable(FOREIGN)],
    ['about a packet from another address', unreachable(OWN, { quoted: { source: '192.0.2.9' } })],
    ['about a packet to another address', unreachable(OWN, { quoted: { destination: '192.0.2.9' } })],
    ['about ICMP', unreachable(OWN, { quoted: { protocol: IPPROTO_ICMP } })],
    ['about a packet with options', unreachable(OWN, { quoted: { options: new Uint8Array(4) } })],
    ['about a later fragment', unreachable(OWN, { quoted: { fragmentOffset: 8 } })],
  ])
  untaggedOnly(t, program, unreachable(OWN))
  failsClosed(t, program, unreachable(OWN), 70)
})

t.test('WIRE with fragments allowed', async t => {
  const program = wire({ address: HOST, mac: HOST_MAC, ports, fragments: 'allow' })
  verdicts(t, program, MATCH, [
    ['a whole datagram', ported(OWN, 53)],
    ['a first UDP fragment', ported(OWN, 53, { moreFragments: true })],
    ['a later UDP fragment', ported(1, 2, { fragmentOffset: 1480, moreFragments: true })],
    ['the last UDP fragment', ported(1, 2, { fragmentOffset: 65528 })],
    ['whole TCP', ported(OWN, 53, { protocol: IPPROTO_TCP })],
    ['ping', ping()],
  ])
  verdicts(t, program, NO_MATCH, [
    ['a first fragment from a foreign port', ported(FOREIGN, 53, { moreFragments: true })],
    ['a first TCP fragment', ported(OWN, 53, { protocol: IPPROTO_TCP, moreFragments: true })],
    ['a later TCP fragment', ported(OWN, 53, { protocol: IPPROTO_TCP, fragmentOffset: 8 })],
    ['a later ICMP fragment', ping({}, { fragmentOffset: 8 })],
    ['a first ICMP fragment', ping({}, { moreFragments: true })],
    ['a later fragment from a foreign address', ported(OWN, 53, { source: '192.0.2.9', fragmentOffset: 8 })],
  ])
})

t.test('WIRE with multicast allowed', async t => {
  const program = wire({ address: HOST, mac: HOST_MAC, ports, multicast: 'allow' })
  const GROUP = { destination: '224.0.0.251', to: '01:00:5e:00:00:fb' }
  verdicts(t, program, MATCH, [
    ['a multicast address', ported(OWN, 5353, GROUP)],
    ['the last one', ported(OWN, 5353, { ...GROUP, destination: '239.255.255.255' })],
    ['broadcast', ported(OWN, 67, { destination: '255.255.255.255', to: BROADCAST })],
    ['unicast', ported(OWN, 53)],
    ['ping', ping()],
  ])
  verdicts(t, program, NO_MATCH, [
    ['from a foreign port', ported(FOREIGN, 5353, GROUP)],
    ['from a foreign address', ported(OWN, 5353, { ...GROUP, source: '192.0.2.9' })],
    ['with a foreign MAC', ported(OWN, 5353, { ...GROUP, mac: GATEWAY_MAC })],
    ['in a frame for one', ported(OWN, 5353, { destination: '224.0.0.251' })],
    ['unicast in a frame for many', ported(OWN, 53, { to: BROADCAST })],
    ['a reserved address', ported(OWN, 53, { ...GROUP, destination: '240.0.0.1' })],
    ['next to broadcast', ported(OWN, 53, { destination: '255.255.255.254', to: BROADCAST })],
    ['a fragment', ported(OWN, 53, { ...GROUP, moreFragments: true })],
    ...[1, 2, 6, 103, 132].map((protocol): Row => [
      `protocol ${protocol}`,
      ported(OWN, 53, { ...GROUP, protocol }),
    ]),
  ])
  untaggedOnly(t, program, ported(OWN, 5353, GROUP))
  failsClosed(t, program, ported(OWN, 5353, GROUP), 42)
})

t.test('INSIDE', async t => {
  const program = inside({ address: HOST, ports })
  const toSelf = (fields: Fields = {}) => ported(OWN, HOST_PORT, { destination: LOCALHOST, ...fields })
  verdicts(t, program, MATCH, [
    ['to a port of the host by 127.0.0.1', toSelf()],
    ['to a port of the host by its IP', toSelf({ destination: HOST })],
    ...OTHER_LOOPBACKS.map((destination): Row => [`to a port of ${destination}`, toSelf({ destination })]),
    ['behind IP options', toSelf({ options: new Uint8Array(40) })],
    ...[6, 17, 33, 132, 136].map((protocol): Row => [`protocol ${protocol}`, toSelf({ protocol })]),
    ['"unreachable" to another container', refusal(FOREIGN, OWN)],
  ])
  verdicts(t, program, NO_MATCH, [
    ['"unreachable" from another container', refusal(OWN, FOREIGN)],
    ['"unreachable" to itself', refusal(OWN + 1, OWN)],
    ['"unreachable" with IP options', refusal(FOREIGN, OWN, { options: new Uint8Array(4) })],
    ['"unreachable", cut', refusal(FOREIGN, OWN).subarray(0, 69)],
    ['to a port of its own', ported(OWN, OWN + 7, { destination: LOCALHOST })],
    [
      'to a port of its own behind IP options',
      ported(OWN, OWN, { destination: HOST, options: new Uint8Array(12) }),
    ],
    ...OTHER_LOOPBACKS.map((destination): Row => [
      `to a port of its own at ${destination}`,
      ported(OWN, OWN + 7, { destination }),
    ]),
    ['to 126/8', toSelf({ destination: '126.0.0.1' })],
    ['to 128/8', toSelf({ destination: '128.0.0.1' })],
    ['to elsewhere', toSelf({ destination: REMOTE })],
    ['ICMP', ping({}, { destination: LOCALHOST })],
    ['a first fragment', toSelf({ moreFragments: true })],
    ['a later fragment', toSelf({ fragmentOffset: 8 })],
    ['ARP', arpFrame()],
    ['options that reach beyond the frame', changed(toSelf(), 14, 0x4f)],
  ])
})

t.test('every port, with random ranges', async t => {
  const range = fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 3000 }))
  const someRanges = fc
    .array(range, { maxLength: 40 })
    .map(list => PortRanges.from(list.map(([begin, n]) => [begin, Math.min(begin + n, 65535)] as const)))
  fc.assert(
    fc.property(someRanges, own => {
      const programs = {
        local: local({ address: HOST, mac: HOST_MAC, ports: own }),
        wire: wire({ address: HOST, mac: HOST_MAC, ports: own }),
        inside: inside({ address: HOST, ports: own }),
      }
      const [source] = [...own][0] ?? [0]
      const edges = [...own].flatMap(([begin, end]) => [begin - 1, begin, end, end + 1])
      for (const port of new Set([0, 65535, ...edges].filter(port => port >= 0 && port <= 65535))) {
        const matches = (program: Program, frame: Uint8Array) => run(program, { bytes: frame }) === MATCH
        t.equal(
          matches(programs.wire, ported(port, 53)),
          own.has(port),
          `WIRE from ${port} of ${String(own)}`,
        )
        t.equal(
          matches(programs.local, ported(source, port, { destination: HOST })),
          own.size > 0 && !own.has(port),
          `LOCAL to ${port} of ${String(own)}`,
        )
        t.equal(
          matches(programs.inside, ported(1, port, { destination: HOST })),
          !own.has(port),
          `INSIDE to ${port}`,
        )
      }
    }),
    { numRuns: 50 },
  )
})

t.test('limits and bad input', async t => {
  const everyOther = PortRanges.from(Array.from({ length: 2000 }, (_, i) => [2 * i, 2 * i] as const))
  t.throws(() => local({ address: HOST, mac: HOST_MAC, ports: everyOther }), {
    name: 'RangeError',
    message: /BPF_MAXINSNS/,
  })
  t.doesNotThrow(() =>
    wire({ address: HOST, mac: HOST_MAC, ports: PortRanges.from([...everyOther].slice(0, 650)) }),
  )
  t.throws(() => martian('10.9.0'), { name: 'TypeError', message: /10\.9\.0/ })
  t.throws(() => local({ address: HOST, mac: '02:00:0a:09:00', ports }), {
    name: 'TypeError',
    message: /02:00:0a:09:00/,
  })
})
