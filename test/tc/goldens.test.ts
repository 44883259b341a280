import t from 'tap'
import { NLM_F_ACK, NLM_F_ECHO, NLM_F_EXCL } from '../../src/netlink/constants.js'
import type { ObjectType, Verb } from '../../src/netlink/object-type.js'
import {
  filter,
  mirred,
  qdisc,
  trafficClass,
  u32,
  type ClassSpec,
  type FilterSpec,
  type QdiscSpec,
} from '../../src/tc/index.js'
import { readAttributes, writeAttributes } from '../../src/tc/raw-attributes.js'
import { goldens as classes } from '../goldens/tc-classes.js'
import { goldens as filters } from '../goldens/tc-filters.js'
import { goldens as qdiscs } from '../goldens/tc-qdiscs.js'
import { devices, encode, messageIn } from './encode.js'

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

interface Golden {
  readonly about: string
  readonly command: string
  readonly bytes: string
}

const bytesOf = ({ bytes }: Golden): Buffer => Buffer.from(bytes.replace(/\s/g, ''), 'hex')

/** The body that our verbs send for the typed form of a message. */
function bodyOf(object: AnyObject, verb: Verb, typed: unknown): unknown {
  if (verb === 'delete') return object.toDelete(typed, devices)
  return verb === 'get' ? object.toGet(typed, devices) : object.toNew(typed, devices, verb)
}

function verbOf(command: string): Verb {
  const word = command.split(' ')[2]
  return word === 'del' ? 'delete' : (word as Verb)
}

function check(
  object: AnyObject,
  goldens: readonly Golden[],
  options: { same?: (body: never) => unknown } = {},
): void {
  for (const golden of goldens) {
    void t.test(`${golden.about}: ${golden.command}`, async t => {
      const bytes = bytesOf(golden)
      const message = messageIn(bytes)
      const verb = verbOf(golden.command)
      const kind = verb === 'delete' || verb === 'get' ? verb : 'new'
      const type = object.messages[kind]
      const body = message.decode(type)

      t.equal(message.type, type.type)
      t.same(encode(type, message.flags, body), bytes, 'decoded and encoded again')

      const typed = object.fromBody(body, devices)
      const flags = kind === 'new' ? object.flags[verb as 'add'] : kind === 'get' ? NLM_F_ECHO : 0
      const same = options.same ?? (value => value)
      const acknowledged = message.flags & NLM_F_ACK // our sockets ask for one themselves
      const ours = encode(type, flags | acknowledged, bodyOf(object, verb, typed))
      const again = messageIn(ours).decode(type)
      t.same(
        encode(type, flags | acknowledged, same(again as never)),
        encode(type, message.flags, same(structuredClone(body) as never)),
        'as our verbs send it',
      )

      // What is listed has the defaults too, and so has its command.
      if (golden.about === DEFAULTS) return
      const [command = '', comment] = object.command(verb, typed).split(' # ')
      if (comment === undefined) t.equal(command, golden.command, 'the command line')
      else {
        const words = command.replace(/ action .*/, '') // the comment stands for options that `tc` has before actions
        t.ok(golden.command.startsWith(words), `the command line, with a comment: ${comment}`)
      }
    })
  }
}

const DEFAULTS = 'a rate'

/**
 * Without what the kernel does not read: rate tables, where a link layer is given, and the ticks of tbf's burst, where
 * it is given in bytes (tc computes them from a rate that is cut to 32 bits).
 */
function asTheKernelReadsIt(body: { attributes: { options?: Record<string, unknown> } }): unknown {
  const { options = {} } = body.attributes
  for (const table of ['rtab', 'ctab', 'ptab']) delete options[table]
  if ('burst' in options) (options['parms'] as { buffer: number }).buffer = 0
  return body
}

/** Options of a kind that is not modelled, sorted: ours have the actions last. */
function inOneOrder(body: { attributes: { options?: unknown } }): unknown {
  const { options } = body.attributes
  const attributes = options instanceof Uint8Array ? readAttributes(options) : undefined
  if (attributes) {
    body.attributes.options = writeAttributes(attributes.sort((one, other) => one.type - other.type))
  }
  return body
}

check(qdisc, qdiscs, { same: asTheKernelReadsIt })
check(trafficClass, classes, { same: asTheKernelReadsIt })
check(filter, filters, { same: inOneOrder })

t.test('every message says EXCL where tc adds', async t => {
  const adds = [...qdiscs, ...classes, ...filters].filter(({ command }) => verbOf(command) === 'add')
  t.ok(adds.length > 20)
  for (const golden of adds) {
    const message = messageIn(bytesOf(golden))
    t.ok(message.flags & NLM_F_EXCL, golden.command)
  }
})

t.test('specs written by hand give the bytes of tc', async t => {
  const expect = (object: AnyObject, goldens: readonly Golden[], about: string, spec: unknown): void => {
    const golden = goldens.find(one => one.about === about)!
    const verb = verbOf(golden.command)
    const flags = object.flags[verb as 'add'] | NLM_F_ACK
    const type = object.messages.new
    const ours = encode(type, flags, object.toNew(spec, devices, verb))
    const theirs = asTheKernelReadsIt(messageIn(bytesOf(golden)).decode(type) as never)
    t.same(ours, encode(type, flags, theirs), about)
    t.equal(object.command(verb, spec), golden.command)
  }

  const ofQdisc = (about: string, spec: QdiscSpec): void => expect(qdisc, qdiscs, about, spec)
  const root = { dev: 'd0', parent: 'root', handle: '1:' } as const
  ofQdisc('hooks for what arrives and what is sent', { dev: 'd0', kind: 'clsact' })
  ofQdisc('htb with a default class', { ...root, kind: 'htb', defaultClass: 0x10 })
  ofQdisc('fq_codel with its flows', {
    dev: 'd0',
    parent: '1:10',
    handle: '10:',
    kind: 'fq_codel',
    flows: 8192,
  })
  ofQdisc('a kind without options', { dev: 'd0', parent: 'root', kind: 'pfifo_fast' })

  const ofClass = (about: string, spec: ClassSpec): void => expect(trafficClass, classes, about, spec)
  const htb = { dev: 'd0', parent: '1:', classid: '1:10', kind: 'htb' } as const
  ofClass('a rate', { ...htb, rate: 1_250_000 })
  ofClass('rates beyond 32 bits', {
    ...{ ...htb, rate: 5_000_000_000, ceil: 12_500_000_000n },
    ...{ burst: 80_000, cburst: 200_000 },
  })

  const ofFilter = (about: string, spec: FilterSpec): void => expect(filter, filters, about, spec)
  const ip = { dev: 'd0', parent: 'ingress', priority: 1020, protocol: 'ip', kind: 'u32' } as const
  ofFilter('a hash table', { ...ip, handle: '1:', divisor: 64 })
  ofFilter('a link by hash key', { ...ip, handle: '1:1f:800', hashKey: { mask: 0x3f0, at: 0 }, link: '11f:' })
  ofFilter('skip the ICMP header and the quoted IP header', {
    ...{ ...ip, handle: '5:11:1', link: '6:' },
    offset: { at: 8, mask: 0x0f00, shift: 6, plus: 8, eat: true },
  })
  ofFilter('a root node', {
    ...{ ...ip, handle: '::1', link: '8:', hashKey: { mask: 0x00ff0000, at: 8 } },
    keys: [u32.destinationAddress('10.9.0.2'), u32.notFragment()],
  })
  ofFilter('a redirect by port', {
    ...{ ...ip, handle: '1:1e:11', actions: [mirred.redirect('d1')] },
    keys: u32.destinationPorts(31000, 31007, { at: 0 }),
  })
  ofFilter('a copy, and go on', {
    ...ip,
    handle: '3::1',
    actions: [mirred.mirror('d1', { then: 'continue' })],
  })
  ofFilter('a direct-action program', {
    ...{ dev: 'd0', parent: 'ingress', priority: 65535, protocol: 'all', kind: 'bpf', handle: 1 },
    ...{ directAction: true, program: [{ code: 6, jt: 0, jf: 0, k: 2 }] },
  })
})
