/**
 * Messages of real `ip`, `tc`, `bridge` and `ss` runs, and what kernels answered: scripts/capture-goldens.ts has written
 * down the bytes, and what they were decoded to.
 */
import t from 'tap'
import { Writer, type UnknownAttribute } from '../src/netlink/codec/index.js'
import { extAckAttributes, readAcknowledgement, type Acknowledgement } from '../src/netlink/ext-ack.js'
import { messagesIn, putMessage, type Message } from '../src/netlink/message.js'
import type { AnyMessageType } from '../src/netlink/message-type.js'
import { rtnetlinkProtocol } from '../src/rtnetlink-protocol.js'
import { sockDiagProtocol } from '../src/sock-diag/protocol.js'
import { attributeSets, attributesIn } from './abi/declarations.js'
import { hex, type Golden } from './goldens/golden.js'
import { goldens as ipAddresses } from './goldens/ip-addresses.js'
import { goldens as ipLinks } from './goldens/ip-links.js'
import { goldens as ipNeighbours } from './goldens/ip-neighbours.js'
import { goldens as ipNetnsIds } from './goldens/ip-netns-ids.js'
import { goldens as ipRoutes } from './goldens/ip-routes.js'
import { goldens as ipStats } from './goldens/ip-stats.js'
import { goldens as kernelErrors } from './goldens/kernel-errors.js'
import { goldens as kernelReplies } from './goldens/kernel-replies.js'
import { goldens as kernelSockets } from './goldens/kernel-sockets.js'
import { goldens as kernelStats } from './goldens/kernel-stats.js'
import { goldens as secondKernelReplies } from './goldens/second-kernel-replies.js'
import { goldens as secondKernelSockets } from './goldens/second-kernel-sockets.js'
import { goldens as ssSockets } from './goldens/ss-sockets.js'
import { goldens as tcClasses } from './goldens/tc-classes.js'
import { goldens as tcFilters } from './goldens/tc-filters.js'
import { goldens as tcOthers } from './goldens/tc-others.js'
import { goldens as tcQdiscs } from './goldens/tc-qdiscs.js'
import { littleEndian } from '../src/netlink/codec/byte-order.js'

const route = rtnetlinkProtocol.messages
const questions = sockDiagProtocol.messages
const answers = sockDiagProtocol.replies ?? questions

const files: readonly {
  name: string
  goldens: readonly Golden[]
  types: ReadonlyMap<number, AnyMessageType>
}[] = [
  { name: 'ip-links', goldens: ipLinks, types: route },
  { name: 'ip-addresses', goldens: ipAddresses, types: route },
  { name: 'ip-routes', goldens: ipRoutes, types: route },
  { name: 'ip-neighbours', goldens: ipNeighbours, types: route },
  { name: 'ip-stats', goldens: ipStats, types: route },
  { name: 'kernel-stats', goldens: kernelStats, types: route },
  { name: 'ip-netns-ids', goldens: ipNetnsIds, types: route },
  { name: 'tc-qdiscs', goldens: tcQdiscs, types: route },
  { name: 'tc-classes', goldens: tcClasses, types: route },
  { name: 'tc-filters', goldens: tcFilters, types: route },
  { name: 'tc-others', goldens: tcOthers, types: route },
  { name: 'kernel-replies', goldens: kernelReplies, types: route },
  { name: 'second-kernel-replies', goldens: secondKernelReplies, types: route },
  { name: 'ss-sockets', goldens: ssSockets, types: questions },
  { name: 'kernel-sockets', goldens: kernelSockets, types: answers },
  { name: 'second-kernel-sockets', goldens: secondKernelSockets, types: answers },
]

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * The bytes with the nests marked as in `like`: the kernel marks some with NLA_F_NESTED, iproute2 others (and
 * nla_nest_start_noflag is called for most of those that older kernels knew). The flag is in the last byte of a word.
 */
const markedAs = (like: Uint8Array, bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i % 4 === 3 && (byte ^ (like[i] ?? 0)) === 0x80 ? byte ^ 0x80 : byte))

const skip = littleEndian ? false : 'captured on a machine that stores the low byte first'

function read(bytes: Uint8Array, types: ReadonlyMap<number, AnyMessageType>): [Message, AnyMessageType] {
  const [message] = [...messagesIn(bytes)]
  const type = message && types.get(message.type)
  if (!type) throw new Error(`not a message of the family: type ${message?.type}`)
  return [message, type]
}

function encode(type: AnyMessageType, flags: number, body: unknown): Uint8Array {
  const writer = new Writer()
  putMessage(writer, { type, flags, body: body as never }, 0)
  return writer.bytes()
}

/** Whether a decoded body cannot encode to the bytes it was decoded from. What it does encode to says the same. */
const encodesDifferently = ({ about, value }: Golden): boolean =>
  answersAsArray(value) || hasPads(value) || LEFTOVERS.has(about)

/** IFLA_INET_CONF is answered as an array and taken as a nest. */
const answersAsArray = (value: unknown): boolean =>
  (value as { attributes?: { afSpec?: { inet?: { conf?: object } } } }).attributes?.afSpec?.inet?.conf !==
  undefined

/** User-mode Linux aligns 64-bit values with empty attributes between others (TCA_PAD), which are kept, but together. */
const hasPads = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Uint8Array) &&
  (('unknown' in value && (value.unknown as UnknownAttribute[]).some(({ bytes }) => bytes.length === 0)) ||
    Object.values(value).some(hasPads))

/**
 * iproute2 leaves old bytes in the pad of RTA_ENCAP_TYPE; multicast routes have RTA_EXPIRES in 64 bits, others in 32; the
 * kernel ends IFLA_INFO_KIND with a NUL, iproute2 does not.
 */
const LEFTOVERS = new Set([
  'in a tunnel of MPLS',
  'a multicast route',
  'a link that leaves for another namespace',
])

for (const { name, goldens, types } of files) {
  const fromKernel = name.includes('kernel')
  t.test(name, { skip }, async t => {
    t.ok(goldens.length > 0)
    for (const golden of goldens) {
      const { about, command, bytes, value } = golden
      const captured = hex(bytes)
      const [message, type] = read(captured, types)
      const what = `${about}: ${command}`
      t.strictSame(message.decode(type), value, what)
      const encoded = encode(type, message.flags, value)
      if (encodesDifferently(golden)) {
        t.strictSame(read(encoded, types)[0].decode(type), value, `${what}, there and back`)
      } else {
        t.equal(text(fromKernel ? markedAs(captured, encoded) : encoded), text(captured), `${what}, encoded`)
      }
    }
  })
}

t.test('kernel-errors', { skip }, async t => {
  for (const { about, command, bytes, value } of kernelErrors) {
    const captured = hex(bytes)
    const [message] = [...messagesIn(captured)]
    t.strictSame(message && readAcknowledgement(message), value, `${about}: ${command}`)
    const writer = new Writer()
    extAckAttributes.put(writer, (value as Acknowledgement).extAck)
    const encoded = text(markedAs(captured.subarray(captured.length - writer.length), writer.bytes()))
    t.ok(text(captured).endsWith(encoded), `${about}: ${command}, encoded`)
  }
})

t.test('every attribute that is declared comes in a golden', { skip }, async t => {
  const seen = new Set<string>()
  for (const { goldens, types } of files) {
    for (const golden of goldens) {
      const [, type] = read(hex(golden.bytes), types)
      for (const name of attributesIn(type.body, golden.value)) seen.add(name)
    }
  }
  for (const { value } of kernelErrors)
    for (const name of attributesIn(extAckAttributes, (value as Acknowledgement).extAck)) seen.add(name)
  const declared = new Set(
    attributeSets.flatMap(({ declarations }) => Object.values(declarations).map(([name]) => name)),
  )
  t.strictSame(
    [...declared].filter(name => !seen.has(name)),
    [],
    'none is uncovered',
  )
  t.comment(`${seen.size} of ${declared.size} attributes`)
})
