/**
 * What is asked for, put into a message and read from it, is what was asked for: of every kind of object, with any
 * values.
 */
import { deepStrictEqual, match } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Writer } from '../src/netlink/codec/index.js'
import { messagesIn, putMessage } from '../src/netlink/message.js'
import type { MessageType } from '../src/netlink/message-type.js'
import type { ObjectType } from '../src/netlink/object-type.js'
import { address, link, neighbour, route } from '../src/rtnetlink/index.js'
import { filter, qdisc, trafficClass } from '../src/tc/index.js'
import { devices } from './rtnetlink/devices.js'
import * as specs from './round-trips/specs.js'

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

function bytesOf(type: MessageType, body: unknown): Uint8Array {
  const writer = new Writer()
  putMessage(writer, { type, flags: 0, body: body as never }, 0)
  return Uint8Array.from(writer.bytes())
}

/** The members of `value` that `spec` has, at every depth. */
function asFarAs(spec: unknown, value: unknown): unknown {
  if (typeof spec !== 'object' || spec === null || spec instanceof Uint8Array) return value
  if (Array.isArray(spec))
    return Array.isArray(value) ? value.map((item, i) => asFarAs(spec[i], item)) : value
  const members = (value ?? {}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(spec)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, asFarAs(member, members[key])]),
  )
}

/** Throws unless a message of the spec reads as the spec, and what was read becomes the same message. */
function roundTrip(object: AnyObject, spec: unknown): void {
  const { messages } = object
  const sent = bytesOf(messages.new, object.toNew(spec, devices, 'add'))
  const [message] = [...messagesIn(sent)]
  const read = object.fromBody(message?.decode(messages.new), devices)
  deepStrictEqual(asFarAs(spec, read), asFarAs(spec, spec))
  deepStrictEqual(bytesOf(messages.new, object.toNew(read, devices, 'add')), sent)
  match(object.command('add', spec), /^(ip|tc) /)
}

const objects: readonly [AnyObject, fc.Arbitrary<unknown>][] = [
  [link, specs.links],
  [address, specs.addresses],
  [route, specs.routes],
  [neighbour, specs.neighbours],
  [qdisc, specs.qdiscs],
  [trafficClass, specs.classes],
  [filter, specs.filters],
]

for (const [object, spec] of objects) {
  t.test(object.name, async t => {
    fc.assert(
      fc.property(spec, one => {
        roundTrip(object, one)
      }),
      { numRuns: 300 },
    )
    t.pass('read as written, 300 times')
  })
}
