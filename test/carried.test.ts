/**
 * Every attribute that is declared is carried: what a message says of an object is said again by `add` of the listed
 * object, with the same bytes, or `add` refuses the object by the name of the attribute. The others are declared as
 * `reported`. So an attribute that is declared and then forgotten in the typed form of its object fails here.
 */
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { littleEndian } from '../src/netlink/codec/byte-order.js'
import type { AnyCodec } from '../src/netlink/codec/codec.js'
import { Writer } from '../src/netlink/codec/index.js'
import { messagesIn, putMessage, type Request } from '../src/netlink/message.js'
import type { DeviceNames } from '../src/netlink/message-type.js'
import type { ObjectType } from '../src/netlink/object-type.js'
import { listedObject } from '../src/netlink/uncarried.js'
import { addressFlagNames, settableAddressFlags } from '../src/rtnetlink/address-flags.js'
import { ipv4Devconf } from '../src/rtnetlink/ipv4-devconf.js'
import { OBJECTS } from '../src/rtnetlink-tables.js'
import { newRequest, stepRequests } from '../src/rtnetlink-verbs.js'
import { tcHtbGlob, tcHtbOpt } from '../src/tc/kinds/htb.js'
import { tcTbfQopt } from '../src/tc/kinds/tbf.js'
import { attributeSetsBelow } from './abi/declarations.js'
import { hex, type Golden } from './goldens/golden.js'
import { goldens as ipAddresses } from './goldens/ip-addresses.js'
import { goldens as ipLinks } from './goldens/ip-links.js'
import { goldens as ipNeighbours } from './goldens/ip-neighbours.js'
import { goldens as ipRoutes } from './goldens/ip-routes.js'
import { goldens as kernelReplies } from './goldens/kernel-replies.js'
import { goldens as secondKernelReplies } from './goldens/second-kernel-replies.js'
import { goldens as tcClasses } from './goldens/tc-classes.js'
import { goldens as tcFilters } from './goldens/tc-filters.js'
import { goldens as tcOthers } from './goldens/tc-others.js'
import { goldens as tcQdiscs } from './goldens/tc-qdiscs.js'
import { contentsOf, type Content } from './helpers/attribute-contents.js'

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

const goldens: readonly Golden[] = [
  ...[ipLinks, ipAddresses, ipRoutes, ipNeighbours, tcQdiscs, tcClasses, tcFilters, tcOthers],
  ...[kernelReplies, secondKernelReplies],
].flat()

const devices: DeviceNames = {
  interfaceIndex: name => Number(name.slice(3)),
  interfaceName: index => `dev${index}`,
}

/** The bytes that an attribute has in a message, and what else the message has. */
interface Told {
  readonly name: string
  readonly path: readonly string[]
  readonly bytes: Uint8Array
  readonly all: readonly Told[]
}

const read = (codec: AnyCodec, bytes: Uint8Array): Record<string, unknown> =>
  codec.get(viewOf(bytes), 0, bytes.length) as Record<string, unknown>
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const word = (bytes: Uint8Array, at = 0): number => viewOf(bytes).getUint32(at, littleEndian)
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').replace(/\0$/, '')
const without = (value: Record<string, unknown>, ...names: string[]): unknown =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
const settable: readonly string[] = settableAddressFlags
const TABLE = ['cellLog', 'cellAlign', 'linklayer']
const rates = (parms: Record<string, unknown>, ...names: string[]): unknown[] =>
  names.map(name => without(parms[name] as Record<string, unknown>, ...TABLE))
/** `index`, `capab`, `refcnt` and `bindcnt` of `tc_gen` are the kernel's. */
const action = (bytes: Uint8Array): unknown => [word(bytes, 8), ...bytes.subarray(20)]
/** TCA_CLS_FLAGS_SKIP_HW and TCA_CLS_FLAGS_SKIP_SW: the others report, or ask for messages. */
const offload = (bytes: Uint8Array): number => word(bytes) & 3

/** What fq_codel lists of a time that it was given: it keeps units of 1024 ns. */
const codelListed = (given: number): number => Math.floor((Math.floor((given * 1000) / 1024) * 1024) / 1000)

const codelTime = (bytes: Uint8Array, sent: boolean): number =>
  sent ? codelListed(word(bytes)) : word(bytes)

/** What of an attribute is to be the same, where that is not each byte. */
const essence: Readonly<Record<string, (bytes: Uint8Array, sent: boolean) => unknown>> = {
  // The kernel ends them with a NUL, iproute2 does not.
  IFLA_INFO_KIND: text,
  IFLA_INFO_SLAVE_KIND: text,
  IFLA_IFALIAS: text,
  // The mask that the kernel answers with has bits that are no flags.
  IFLA_VLAN_FLAGS: bytes => [word(bytes), word(bytes, 4) & 0x1f],
  IFLA_BR_MULTI_BOOLOPT: bytes => word(bytes),
  // The lifetimes; the times of making and change report.
  IFA_CACHEINFO: bytes => bytes.subarray(0, 8),
  IFA_FLAGS: bytes => addressFlagNames(word(bytes)).filter(name => settable.includes(name)),
  TCA_FQ_CODEL_TARGET: codelTime,
  TCA_FQ_CODEL_INTERVAL: codelTime,
  TCA_FQ_CODEL_CE_THRESHOLD: codelTime,
  TCA_HTB_INIT: bytes => without(read(tcHtbGlob, bytes), 'version', 'directPkts'),
  // What describes the rate tables, which nothing reads, and the place in the tree, which the kernel knows.
  TCA_HTB_PARMS: bytes => {
    const parms = read(tcHtbOpt, bytes)
    return [without(parms, 'rate', 'ceil', 'level'), rates(parms, 'rate', 'ceil')]
  },
  // The sizes of the buckets are in TCA_TBF_BURST and TCA_TBF_PBURST, which the kernel takes and does not list.
  TCA_TBF_PARMS: bytes => {
    const parms = read(tcTbfQopt, bytes)
    return [parms['limit'], rates(parms, 'rate', 'peakrate')]
  },
  TCA_GACT_PARMS: action,
  TCA_MIRRED_PARMS: action,
  TCA_ACT_HW_STATS: bytes => word(bytes),
  TCA_U32_FLAGS: offload,
  TCA_BPF_FLAGS_GEN: offload,
}

const has = ({ all }: Told, name: string): boolean => all.some(told => told.name === name)
const isOfKind = ({ all }: Told, attribute: string, kind: string): boolean =>
  all.some(({ name, bytes }) => name === attribute && text(bytes) === kind)

/** What says the same where an attribute is left out. */
const elsewhere: Readonly<Record<string, (told: Told) => boolean>> = {
  // Of a veth it is the peer, which is in VETH_INFO_PEER.
  IFLA_LINK: told => isOfKind(told, 'IFLA_INFO_KIND', 'veth'),
  // A kernel that cannot filter by VLAN lists that it does not.
  IFLA_BR_VLAN_FILTERING: told => !has(told, 'IFLA_BR_VLAN_PROTOCOL'),
  // Tables below 256 are in the header.
  RTA_TABLE: ({ bytes }) => word(bytes) < 256,
  // A nexthop object says where its routes lead.
  RTA_GATEWAY: told => has(told, 'RTA_NH_ID'),
  RTA_OIF: told => has(told, 'RTA_NH_ID'),
  // The root table is that of a node that names none.
  TCA_U32_HASH: ({ bytes }) => (word(bytes) & 0xfffff) === 0,
  // Of kinds that are not declared, or without options: the kernel tests of their round trips look inside.
  TCA_OPTIONS: () => true,
}

/** Attributes of requests that ask, which no message about an object has. */
const asked = new Set([
  ...['IFLA_EXT_MASK', 'NDA_NDM_STATE_MASK', 'NDA_NDM_FLAGS_MASK'],
  ...['RTA_IP_PROTO', 'RTA_SPORT', 'RTA_DPORT', 'TCA_DUMP_INVISIBLE', 'TCA_DUMP_FLAGS'],
])

/** What becomes of an attribute. Undefined where the whole object is refused for something else. */
type Fate = 'carried' | 'reported' | 'lost' | 'refused' | undefined

const reported = new Set<string>()
for (const { messages } of Object.values(OBJECTS))
  for (const { declarations } of attributeSetsBelow(messages.new.body))
    for (const [name, , codec] of Object.values(declarations)) if (codec.reports) reported.add(name)

const sysctls = Object.values(ipv4Devconf.declarations).map(([name]) => name)

/** The innermost attributes. IFLA_INET_CONF, which the kernel lists as an array and takes as a nest, is a nest here. */
const attributesOf = (body: AnyCodec, message: Uint8Array): Content[] =>
  contentsOf(body, message).flatMap(content => {
    const { path, at, end } = content
    if (path.at(-1) !== 'IFLA_INET_CONF') return [content]
    const elements = sysctls.slice(0, (end - at) / 4)
    return elements.map((name, i) => ({ path: [...path, name], at: at + i * 4, end: at + i * 4 + 4 }))
  })

function toldBy(body: AnyCodec, message: Uint8Array): Told[] {
  const all: Told[] = []
  for (const { path, at, end } of attributesOf(body, message))
    all.push({ path, name: path.at(-1) ?? '', bytes: message.subarray(at, end), all })
  return all
}

interface Added {
  /** What the requests of `add` say. */
  readonly said: readonly Told[]
  readonly uncarried: readonly string[]
  /** Why there are none. */
  readonly refusal?: Error
}

/** Adds the object in the message, but for what is named as uncarried. */
function add(object: AnyObject, message: Uint8Array): Added {
  const [first] = messagesIn(message)
  if (!first) throw new Error('no message')
  const { uncarried = [], ...spec } = listedObject(object, first, devices) as { uncarried?: string[] }
  try {
    const made = object.inSteps?.(spec)
    const requests: readonly Request<never>[] = made
      ? stepRequests(object, made.steps, devices)
      : [newRequest(object, 'add', spec, devices)]
    const said = requests.flatMap(request => {
      const writer = new Writer()
      putMessage(writer, request, 0)
      return toldBy(request.type.body, Uint8Array.from(writer.bytes()))
    })
    return { said, uncarried }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    return { said: [], uncarried, refusal: error }
  }
}

function fateOf(told: Told, { said, uncarried, refusal }: Added): Fate {
  const { name, path } = told
  const whole = path.join('.')
  if (uncarried.some(one => whole === one || whole.startsWith(`${one}.`))) return 'refused'
  if (refusal) return undefined
  const essenceOf = essence[name] ?? (bytes => [...bytes])
  const same = (bytes: Uint8Array): boolean =>
    isDeepStrictEqual(essenceOf(bytes, true), essenceOf(told.bytes, false))
  if (said.some(other => other.path.join('.') === whole && same(other.bytes))) return 'carried'
  if (elsewhere[name]?.(told) || (essence[name] && same(new Uint8Array(told.bytes.length)))) return 'carried'
  return path.some(part => reported.has(part)) && !essence[name] ? 'reported' : 'lost'
}

/** The same message with another content of an attribute that says nothing: what is 0 may be left out, what is 1 not. */
function withOne(message: Uint8Array, { at }: Content): Uint8Array {
  const changed = Uint8Array.from(message)
  changed[at] = 1
  return changed
}

/** The fate of each attribute of a message about an object. */
function fatesIn(object: AnyObject, message: Uint8Array): [path: readonly string[], Fate][] {
  const { body } = object.messages.new
  const added = add(object, message)
  const told = toldBy(body, message)
  return attributesOf(body, message).flatMap((content, i): [readonly string[], Fate][] => {
    const one = told[i]
    if (!one || one.name.startsWith('attribute ')) return []
    const fate = fateOf(one, added)
    if (fate !== 'lost' || one.bytes.length === 0 || one.bytes.some(byte => byte !== 0))
      return [[content.path, fate]]
    const changed = withOne(message, content)
    const changedAdded = add(object, changed)
    const other = toldBy(body, changed)[i]
    return [[content.path, changedAdded.refusal ? 'refused' : other && fateOf(other, changedAdded)]]
  })
}

const isAbout = (object: AnyObject, message: Uint8Array): boolean =>
  [...messagesIn(message)][0]?.type === object.messages.new.type

const fates = new Map<string, Set<Fate>>()

for (const [table, entry] of Object.entries(OBJECTS)) {
  const object = entry as unknown as AnyObject
  t.test(table, async t => {
    let messages = 0
    for (const { about, command, bytes } of goldens) {
      const message = hex(bytes)
      if (!isAbout(object, message)) continue
      messages++
      for (const [path, fate] of fatesIn(object, message)) {
        if (fate === 'lost') t.fail(`${path.join('.')} is lost: ${about}: ${command}`)
        if (fate === undefined) continue
        for (const name of path) fates.set(name, (fates.get(name) ?? new Set()).add(fate))
      }
    }
    t.ok(messages > 0, `${messages} messages`)
  })
}

t.test('each attribute that is declared is in a message about an object', async t => {
  const sets = Object.values(OBJECTS).flatMap(({ messages }) => attributeSetsBelow(messages.new.body))
  const declared = new Set(
    sets.flatMap(({ declarations }) => Object.values(declarations).map(([name]) => name)),
  )
  const isSeen = (name: string): boolean => fates.has(name) || reported.has(name)
  t.strictSame(
    [...declared].filter(name => !isSeen(name) && !asked.has(name)),
    [],
  )
  t.strictSame(
    [...asked].filter(name => !declared.has(name) || isSeen(name)),
    [],
    'no exception is stale',
  )
  const count = (fate: Fate): number => [...declared].filter(name => fates.get(name)?.has(fate)).length
  t.comment(
    `of ${declared.size} attributes ${count('carried')} are carried, ${count('refused')} refused,` +
      ` ${count('reported')} report`,
  )
})

t.test('an attribute that is declared and not carried is found', async t => {
  const { addresses } = OBJECTS
  const forgetful = {
    ...addresses,
    fromBody: (body: unknown, names: DeviceNames) => ({
      ...addresses.fromBody(body, names),
      metric: undefined,
    }),
  } as unknown as AnyObject
  const lost = new Set<string>()
  for (const message of ipAddresses.map(({ bytes }) => hex(bytes)).filter(one => isAbout(forgetful, one)))
    for (const [path, fate] of fatesIn(forgetful, message)) if (fate === 'lost') lost.add(path.join('.'))
  t.strictSame([...lost], ['IFA_RT_PRIORITY'])
})
