import fc from 'fast-check'
import t, { type TAP as Tap } from 'tap'
import { isLinkLocal } from '../../src/isolator/plan/inet6.js'
import { PortRanges } from '../../src/isolator/ports/port-ranges.js'
import { inside6, isInside6 } from '../../src/isolator/programs/inside6.js'
import { isInside, inside } from '../../src/isolator/programs/inside.js'
import { local } from '../../src/isolator/programs/local.js'
import { martian, martianAddresses } from '../../src/isolator/programs/martian.js'
import { wire } from '../../src/isolator/programs/wire.js'
import type { Program } from '../../src/tc/classic-bpf/program.js'
import { run } from '../helpers/classic-bpf-interpreter.js'
import { ETH_P_ARP, ETH_P_IP, ethernet, IPPROTO_TCP, tcp, TCP_ACK, TCP_SYN, udp } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import {
  DUPLICATE,
  FOREIGN,
  frame,
  HOST_PORT,
  LOCAL,
  LOOPBACK6,
  MARTIANS,
  NOT_LOCAL,
  NOWHERE,
  OUT,
  OWN,
  solicitation,
  TO_CONTAINER,
  UNSPECIFIED,
} from './inet6-frames.js'
import {
  ELSEWHERE_ON_HOST,
  HOST_IP6,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_LINK_LOCAL,
} from './inet6-topology.js'

const MATCH = 0xffffffff
const NO_MATCH = 0
const UNSPEC = 0xffffffff
const SHOT = 2
const OK = 0

const ports = PortRanges.from('31000-31007,32768-33791')
const inet6 = {
  addresses: [HOST_IP6, '2001:db8:a::2'],
  linkLocal: HOST_LINK_LOCAL,
  notShared: [NOT_SHARED, ELSEWHERE_ON_HOST],
  solicited: [REMOTE_LINK_LOCAL],
}
const options = { address: HOST_IP, mac: HOST_MAC, ports, inet6 }
const ADDRESSES = {
  own: [...inet6.addresses, HOST_LINK_LOCAL, NOT_SHARED, ELSEWHERE_ON_HOST],
  lost: [],
}

const isTagged = (frame: Buffer): boolean => frame.readUInt16BE(12) === 0x8100
/** The kernel has taken the tag off before a filter sees a frame. */
const skbOf = (frame: Buffer) =>
  isTagged(frame)
    ? { bytes: Buffer.concat([frame.subarray(0, 12), frame.subarray(16)]), vlanTci: frame.readUInt16BE(14) }
    : { bytes: frame }

const verdicts = (
  t: Pick<Tap, 'equal'>,
  program: Program,
  verdict: number,
  rows: readonly (readonly [about: string, frame: Buffer])[],
) => {
  for (const [about, frame] of rows) t.equal(run(program, skbOf(frame)), verdict, about)
}

t.test('WIRE', async t => {
  verdicts(t, wire(options), MATCH, OUT)
  verdicts(t, wire(options), NO_MATCH, [...NOWHERE, ...LOCAL, ...NOT_LOCAL])
})

t.test("WIRE with neighbours6: 'prefix'", async t => {
  const any = wire({ ...options, inet6: { ...inet6, solicited: undefined } })
  verdicts(t, any, MATCH, [...OUT, ['any neighbour', solicitation({ target: '2001:db8:9::66' })]])
  for (const target of [HOST_IP6, HOST_LINK_LOCAL, NOT_SHARED, LOOPBACK6, 'ff02::1'])
    t.equal(run(any, skbOf(solicitation({ target }))), NO_MATCH, target)
})

t.test('WIRE without gateways, and without a link-local address', async t => {
  const none = wire({ ...options, inet6: { ...inet6, solicited: [] } })
  t.equal(run(none, skbOf(solicitation())), NO_MATCH, 'no neighbour may be looked for')
  t.equal(run(none, skbOf(frame())), MATCH)
  const without = wire({ ...options, inet6: { ...inet6, linkLocal: undefined } })
  t.equal(run(without, skbOf(solicitation())), NO_MATCH)
  t.equal(run(without, skbOf(solicitation({ source: HOST_IP6 }))), MATCH)
})

t.test('WIRE with a link-local address beyond fe80::/64', async t => {
  const program = wire({ ...options, inet6: { ...inet6, linkLocal: 'feb0::2' } })
  const passes = (destination: string): boolean =>
    run(program, skbOf(frame(undefined, { source: 'feb0::2', destination }))) === MATCH
  t.ok(passes(REMOTE_LINK_LOCAL), 'within the link')
  t.notOk(passes('2001:db8:b::1'), 'to elsewhere')
  t.ok(isLinkLocal('feb0::2'))
  t.notOk(isLinkLocal('fe8::2'), '0fe8::2')
})

t.test("WIRE with multicast: 'allow'", async t => {
  const program = wire({ ...options, multicast: 'allow' })
  const group = { destination: 'ff02::fb', to: '33:33:00:00:00:fb' }
  const passes = (frame: Buffer): boolean => run(program, skbOf(frame)) === MATCH
  t.ok(passes(frame(undefined, group)))
  t.notOk(passes(frame(undefined, { ...group, to: REMOTE_MAC })), 'in a frame for one')
  t.notOk(passes(frame(undefined, { ...group, nextHeader: IPPROTO_TCP })), 'TCP')
  t.notOk(
    passes(frame(udp({ sourcePort: FOREIGN, destinationPort: 53 }, Buffer.alloc(8)), group)),
    'a port of another',
  )
  verdicts(t, program, MATCH, OUT)
  verdicts(
    t,
    program,
    NO_MATCH,
    NOWHERE.filter(([about]) => about !== 'to a group'),
  )
})

t.test('LOCAL', async t => {
  verdicts(t, local(options), MATCH, LOCAL)
  verdicts(t, local(options), NO_MATCH, [...NOT_LOCAL, ...OUT, ...NOWHERE])
})

t.test('LOCAL with hostAccess', async t => {
  const hostAccess = {
    services: PortRanges.from('80'),
    managed: PortRanges.from('31000-31999,32768-57343'),
    hostEphemeral: PortRanges.from('60000-60999'),
  }
  const program = local({ ...options, hostAccess })
  const passes = (destinationPort: number, flags?: number): boolean => {
    const ends = { source: HOST_IP, destination: HOST_IP }
    const payload =
      flags === undefined
        ? udp({ sourcePort: OWN, destinationPort }, Buffer.alloc(8))
        : tcp({ sourcePort: OWN, destinationPort, flags }, Buffer.alloc(0), ends)
    const nextHeader = flags === undefined ? {} : { nextHeader: IPPROTO_TCP }
    return (
      run(program, skbOf(frame(payload, { destination: HOST_IP6, to: HOST_MAC, ...nextHeader }))) === MATCH
    )
  }
  t.ok(passes(80), 'a service')
  t.ok(passes(FOREIGN), 'another container')
  t.notOk(passes(HOST_PORT), 'another port of the host')
  t.ok(passes(60_000), 'an answer by UDP')
  t.ok(passes(60_000, TCP_SYN | TCP_ACK), 'an answer by TCP')
  t.notOk(passes(60_000, TCP_SYN), 'a connection to an ephemeral port')
  t.ok(passes(80, TCP_SYN), 'a connection to a service')
})

t.test('INSIDE6', async t => {
  const program = inside6(inet6, ports)
  verdicts(t, program, MATCH, LOCAL)
  const own = udp({ sourcePort: 40_000, destinationPort: OWN }, Buffer.alloc(8))
  t.equal(
    run(program, skbOf(frame(own, { destination: LOOPBACK6, source: LOOPBACK6 }))),
    NO_MATCH,
    'an own port',
  )
  t.equal(run(program, skbOf(frame())), NO_MATCH, 'elsewhere')
  t.ok(isInside6(program))
  t.notOk(isInside(program))
  t.notOk(isInside6(inside({ address: HOST_IP, ports })))
})

t.test('MARTIAN', async t => {
  const program = martian(HOST_IP, ['10.9.0.7'], ADDRESSES)
  verdicts(t, program, SHOT, MARTIANS)
  verdicts(t, program, UNSPEC, [
    ['somebody else', TO_CONTAINER],
    ['an advertisement of a duplicate', DUPLICATE],
    ['the detection of duplicates', UNSPECIFIED],
  ])
})

t.test('MARTIAN gives the host what comes from an address that it has lost', async t => {
  const program = martian(HOST_IP, [], { own: [HOST_LINK_LOCAL], lost: [HOST_IP6] })
  const verdictOf = (wanted: string): number => {
    const [, sent] = MARTIANS.find(([about]) => about === wanted)!
    return run(program, skbOf(sent))
  }
  t.equal(verdictOf('a shared address as source'), OK)
  t.equal(verdictOf('the link-local one'), SHOT)
  t.equal(run(program, skbOf(TO_CONTAINER)), UNSPEC)
})

t.test('the addresses of MARTIAN are read back', async t => {
  for (const hostAddresses of [[], ['10.9.0.7', '172.17.0.1']])
    for (const addresses of [
      ADDRESSES,
      { own: [HOST_IP6], lost: [] },
      { own: [], lost: [] },
      { own: [], lost: [HOST_IP6] },
      { own: [NOT_SHARED, HOST_LINK_LOCAL], lost: [HOST_IP6, ELSEWHERE_ON_HOST] },
    ])
      t.strictSame(martianAddresses(martian(HOST_IP, hostAddresses, addresses)), {
        shared: HOST_IP,
        hostAddresses,
        inet6: addresses,
      })
  t.equal(martianAddresses(martian(HOST_IP, [], ADDRESSES).slice(1)), undefined)
})

t.test('frames of other protocols have the verdicts that they have without IPv6', async () => {
  const pairs: [Program, Program][] = [
    [wire(options), wire({ ...options, inet6: undefined })],
    [local(options), local({ ...options, inet6: undefined })],
    [martian(HOST_IP, [], ADDRESSES), martian(HOST_IP)],
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(ETH_P_IP, ETH_P_ARP, 0x8100, 0x88cc),
      fc.uint8Array({ minLength: 20, maxLength: 90 }),
      (type, bytes) => {
        const frame = ethernet({ source: HOST_MAC, destination: REMOTE_MAC, type }, bytes)
        return pairs.every(([both, one]) => run(both, { bytes: frame }) === run(one, { bytes: frame }))
      },
    ),
    { numRuns: 2000 },
  )
})
