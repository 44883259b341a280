import t from 'tap'
import { NLM_F_ACK, NLM_F_EXCL } from '../../src/netlink/constants.js'
import type { ObjectType, Verb } from '../../src/netlink/object-type.js'
import { filter, qdisc, trafficClass } from '../../src/tc/index.js'
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
      const flags = kind === 'new' ? object.flags[verb as 'add'] : 0
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
      else t.ok(golden.command.startsWith(command), `the command line, with a comment: ${comment}`)
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

check(qdisc as unknown as AnyObject, qdiscs, { same: asTheKernelReadsIt })
check(trafficClass as unknown as AnyObject, classes, { same: asTheKernelReadsIt })
check(filter as unknown as AnyObject, filters)

t.test('every message says EXCL where tc adds', async t => {
  const adds = [...qdiscs, ...classes, ...filters].filter(({ command }) => verbOf(command) === 'add')
  t.ok(adds.length > 20)
  for (const golden of adds) {
    const message = messageIn(bytesOf(golden))
    t.ok(message.flags & NLM_F_EXCL, golden.command)
  }
})
