import { readdirSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { DecodeError } from '../../src/netlink/codec/index.js'
import { explainError } from '../../src/netlink/explain-error.js'
import { readAcknowledgement } from '../../src/netlink/ext-ack.js'
import { messagesIn } from '../../src/netlink/message.js'
import type { AnyMessageType, Protocol } from '../../src/netlink/message-type.js'
import { rtnetlinkProtocol } from '../../src/rtnetlink-protocol.js'
import { rtnetlinkMessages } from '../../src/rtnetlink/messages.js'
import { inetDiagReply, inetDiagRequest } from '../../src/sock-diag/inet-diag.js'
import { sockDiagProtocol } from '../../src/sock-diag/protocol.js'
import * as tcMessages from '../../src/tc/messages.js'
import type { Golden } from '../goldens/golden.js'
import { mutated, randomNumbers } from '../helpers/mutations.js'
import { acknowledgement, done, extAck, uncappedRefusal } from '../helpers/netlink-bytes.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

const MUTATIONS_PER_TYPE = 5000
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
const random = randomNumbers(seed)
t.comment(`FUZZ_SEED=${seed}`)

/** The captured messages of test/goldens, by file. */
async function goldens(): Promise<Map<string, Uint8Array[]>> {
  const folder = new URL('../goldens/', import.meta.url)
  const found = new Map<string, Uint8Array[]>()
  for (const file of readdirSync(folder)) {
    const { goldens = [] } = (await import(new URL(file, folder).href)) as { goldens?: readonly Golden[] }
    found.set(
      file,
      goldens.map(({ bytes }) => Buffer.from(bytes.replace(/\s/g, ''), 'hex')),
    )
  }
  return found
}

const typeOf = (message: Uint8Array): number => Buffer.from(message).readUInt16LE(4)

const captured = await goldens()
const ofSockets = [...captured]
  .filter(([file]) => file.includes('sockets'))
  .flatMap(([, messages]) => messages)
const ofRtnetlink = [...captured]
  .filter(([file]) => !file.includes('sockets'))
  .flatMap(([, messages]) => messages)
const all = [...ofSockets, ...ofRtnetlink]

/** Messages that `type` can be expected to read: of its number, or else of one with the same body. */
function corpusOf(type: AnyMessageType): Uint8Array[] {
  if (type === inetDiagReply || type === inetDiagRequest) return ofSockets
  const alike = [...rtnetlinkProtocol.messages.values()].filter(({ body }) => body === type.body)
  const own = ofRtnetlink.filter(message => typeOf(message) === type.type)
  return own.length > 0
    ? own
    : ofRtnetlink.filter(message => alike.some(({ type }) => type === typeOf(message)))
}

const types: readonly AnyMessageType[] = [
  ...rtnetlinkMessages,
  ...Object.values<AnyMessageType>(tcMessages),
  inetDiagRequest,
  inetDiagReply,
]

/** Fails with what `type` should not throw. Tells whether it reads the messages, or refuses them with a DecodeError. */
function read(bytes: Uint8Array, type: AnyMessageType): 'read' | 'refused' {
  try {
    for (const message of messagesIn(bytes)) message.decode(type)
  } catch (error) {
    if (error instanceof DecodeError) return 'refused'
    throw error
  }
  return 'read'
}

t.test('every type that the protocols know is here', async t => {
  for (const { messages, replies } of [rtnetlinkProtocol, sockDiagProtocol] as Protocol[]) {
    for (const type of [...messages.values(), ...(replies?.values() ?? [])])
      t.ok(types.includes(type), type.name)
  }
})

t.test('mutated messages', async t => {
  for (const type of types) {
    const corpus = corpusOf(type)
    const counts = { read: 0, refused: 0 }
    for (let i = 0; i < MUTATIONS_PER_TYPE; i++) {
      const bytes = mutated(corpus[random(corpus.length)]!, random, all)
      try {
        counts[read(bytes, type)]++
      } catch (error) {
        t.fail(`${type.name} of ${Buffer.from(bytes).toString('hex')}`, { found: inspect(error) })
        break
      }
    }
    const few = MUTATIONS_PER_TYPE / 20
    t.ok(
      counts.read > few && counts.refused > few,
      `${type.name}: ${counts.read} read, ${counts.refused} refused`,
    )
  }
  t.ok(types.length * MUTATIONS_PER_TYPE >= 100_000, `${types.length} types`)
})

t.test('mutated acknowledgements', async t => {
  const attributes = [
    extAck.message('No such thing'),
    extAck.offset(36),
    extAck.missingType(3),
    extAck.missingNest(40),
  ]
  const corpus = all
    .slice(0, 50)
    .flatMap(request => [
      acknowledgement(request, -22, ...attributes),
      uncappedRefusal(request, -22, ...attributes),
      done(request, { errno: -22 }, ...attributes),
    ])
  for (let i = 0; i < 20_000; i++) {
    const bytes = mutated(corpus[random(corpus.length)]!, random, all)
    try {
      for (const message of messagesIn(bytes)) readAcknowledgement(message)
    } catch (error) {
      if (error instanceof DecodeError) continue
      t.fail(Buffer.from(bytes).toString('hex'), { found: error })
      return
    }
  }
  t.pass()
})

t.test('errors of mutated requests', async t => {
  const devices = new ScriptedTransport()
  const readable = ofRtnetlink.filter(message => message.length < 4096)
  for (let i = 0; i < 20_000; i++) {
    const bytes = mutated(readable[random(readable.length)]!, random, all)
    try {
      if ([...messagesIn(bytes)].length !== 1) continue
    } catch {
      continue
    }
    const offset = random(bytes.length + 8)
    const refusal = random(2) === 0 ? { offset } : { missingNest: offset, missingType: random(20) }
    const { code } = explainError(bytes, { errno: -22, extAck: refusal }, rtnetlinkProtocol, devices)
    if (code !== 'EINVAL') t.fail(code)
  }
  t.pass()
})
