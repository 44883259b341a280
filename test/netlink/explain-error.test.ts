import t from 'tap'
import { Writer } from '../../src/netlink/codec/index.js'
import { explainError } from '../../src/netlink/explain-error.js'
import type { NetlinkError } from '../../src/netlink/errors.js'
import type { ExtAck } from '../../src/netlink/ext-ack.js'
import { putMessage, type Request } from '../../src/netlink/message.js'
import type { Protocol } from '../../src/netlink/message-type.js'
import { add, getWidget, newWidget, protocol, request, widgetHeader } from '../helpers/sample-protocol.js'
import { bytes } from '../helpers/netlink-bytes.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

const EINVAL = -22
const devices = new ScriptedTransport()

function wireOf(of: Request<never>): Uint8Array {
  const writer = new Writer()
  putMessage(writer, of, 1)
  return Uint8Array.from(writer.bytes())
}

const explain = (wire: Uint8Array, extAck: ExtAck, errno = EINVAL, as: Protocol = protocol): NetlinkError =>
  explainError(wire, { errno, extAck }, as, devices)

/** Where the `nth` attribute of this type begins: its header, searched for byte by byte. */
function headerOf(wire: Uint8Array, type: number, length: number, nth = 0): number {
  const view = new DataView(wire.buffer)
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
  const found: number[] = []
  for (let at = 16 + widgetHeader.size; at < wire.length; at += 4) {
    if (view.getUint16(at, little) === length && (view.getUint16(at + 2, little) & 0x3fff) === type)
      found.push(at)
  }
  const at = found[nth]
  if (at === undefined) throw new Error(`no attribute ${type} of ${length} bytes`)
  return at
}

const gear = wireOf(
  add(3, {
    kind: 'gear',
    options: {
      teeth: 12,
      parts: [{ kind: 'a' }, { kind: 'b', weight: 5 }],
      selector: { nkeys: 1, keys: [{ mask: 1 }] },
    },
    parts: [{ tag: 'abc' }],
    counter: 1n,
  }),
)

const pathAt = (offset: number): string | undefined => explain(gear, { offset }).attribute

t.test('the attribute that an offset points at', async t => {
  t.equal(pathAt(headerOf(gear, 1, 9)), 'WIDGET_KIND')
  t.equal(pathAt(headerOf(gear, 5, 12)), 'WIDGET_COUNTER')
  t.equal(pathAt(headerOf(gear, 1, 8)), 'WIDGET_OPTIONS.GEAR_TEETH')
  t.equal(pathAt(headerOf(gear, 3, 28)), 'WIDGET_OPTIONS.GEAR_SELECTOR')
  t.equal(pathAt(headerOf(gear, 2, 8)), 'WIDGET_OPTIONS.GEAR_PARTS.part[1].PART_WEIGHT')
  t.equal(pathAt(headerOf(gear, 3, 7)), 'WIDGET_PARTS.part[0].PART_TAG')
})

t.test('an offset into the content, the pad or a header', async t => {
  const tag = headerOf(gear, 3, 7)
  for (const within of [0, 2, 4, 6, 7]) t.equal(pathAt(tag + within), 'WIDGET_PARTS.part[0].PART_TAG')
  const element = tag - 4
  t.equal(pathAt(element), 'WIDGET_PARTS.part[0]', 'of a numbered element')
  t.equal(pathAt(element - 4), 'WIDGET_PARTS', 'of the nest')
})

t.test('an offset at no attribute', async t => {
  for (const offset of [0, 4, 16, 20, gear.length, gear.length + 100, 0xffff_ffff])
    t.equal(pathAt(offset), undefined)
})

t.test('an undeclared attribute, and one of a message that is not declared', async t => {
  const wire = wireOf(add(1, { unknown: [{ type: 99, bytes: bytes('00') }] }))
  t.equal(explain(wire, { offset: 16 + widgetHeader.size }).attribute, 'attribute 99')
  const strange = wireOf({ ...add(1), type: { ...newWidget, type: 900 } })
  t.match(explain(strange, { offset: 40 }), {
    attribute: undefined,
    request: 'widgets message 900',
    command: undefined,
  })
})

t.test('a missing attribute', async t => {
  t.match(explain(gear, { missingType: 3 }), { attribute: 'WIDGET_ADDRESS', missing: true })
  t.match(explain(gear, { missingType: 55 }), { attribute: 'attribute 55', missing: true })
})

t.test('a missing attribute inside a nest', async t => {
  const missing = (missingNest: number, missingType: number): string | undefined =>
    explain(gear, { missingNest, missingType }).attribute
  const tag = headerOf(gear, 3, 7)
  t.equal(missing(tag - 4, 2), 'WIDGET_PARTS.part[0].PART_WEIGHT')
  t.equal(missing(tag - 8, 2), 'WIDGET_PARTS.part[1]')
  const options = headerOf(gear, 1, 8) - 4
  t.equal(missing(options, 3), 'WIDGET_OPTIONS.GEAR_SELECTOR', 'of the kind that was chosen')
  t.equal(missing(options, 9), 'WIDGET_OPTIONS.attribute 9')
  t.equal(missing(headerOf(gear, 5, 12), 9), 'WIDGET_COUNTER.attribute 9', 'of what is no nest')
})

t.test('bytes that the caller gave need not be well-formed', async t => {
  const cases = ['ffff', '0000 0100', 'ff00 0100 00000000', '0800 0200 ffff 0100']
  for (const options of cases) {
    const wire = wireOf(add(1, { kind: 'gear', options: bytes(options), counter: 1n }))
    for (let offset = 0; offset < wire.length + 4; offset++) {
      t.match(explain(wire, { offset }), { code: 'EINVAL', request: 'RTM_NEWWIDGET' })
      t.match(explain(wire, { missingNest: offset, missingType: 1 }), { missing: true })
    }
  }
})

t.test('a command that cannot be told is left out', async t => {
  const failing: Protocol = {
    ...protocol,
    command: () => {
      throw new TypeError('a bug')
    },
  }
  t.match(explain(gear, {}, EINVAL, failing), { code: 'EINVAL', command: undefined })
  t.equal(explain(wireOf(request(getWidget)), {}).command, undefined)
  const without: Protocol = { name: 'widgets', number: 0, messages: protocol.messages }
  t.equal(explain(gear, {}, EINVAL, without).command, undefined)
})

t.test('messages read like sentences', async t => {
  const texts: [string, NetlinkError][] = [
    [
      'RTM_NEWWIDGET failed: EINVAL, Too many teeth (at WIDGET_OPTIONS.GEAR_TEETH)\n  equivalent command: widget add 3',
      explain(gear, { message: 'Too many teeth', offset: headerOf(gear, 1, 8) }),
    ],
    [
      'RTM_NEWWIDGET failed: EINVAL, Invalid argument (WIDGET_ADDRESS is missing)\n  equivalent command: widget add 3',
      explain(gear, { missingType: 3 }),
    ],
    ['RTM_GETWIDGET failed: ENODEV, No such device', explain(wireOf(request(getWidget)), {}, -19)],
    [
      'RTM_GETWIDGET failed: EPERM, Operation not permitted; CAP_NET_ADMIN is needed in the user namespace that owns the network namespace',
      explain(wireOf(request(getWidget)), {}, -1),
    ],
    [
      'RTM_GETWIDGET failed: EPERM, Not for you; CAP_NET_ADMIN is needed in the user namespace that owns the network namespace',
      explain(wireOf(request(getWidget)), { message: 'Not for you' }, -1),
    ],
    ['RTM_GETWIDGET failed: E4000, Unknown error 4000', explain(wireOf(request(getWidget)), {}, -4000)],
  ]
  for (const [text, error] of texts) t.equal(error.message, text)
})

t.test('the members of the error', async t => {
  const error = explain(gear, { message: 'Too many teeth', offset: headerOf(gear, 1, 8) })
  t.match(error, {
    name: 'NetlinkError',
    code: 'EINVAL',
    errno: EINVAL,
    request: 'RTM_NEWWIDGET',
    extack: 'Too many teeth',
    attribute: 'WIDGET_OPTIONS.GEAR_TEETH',
    missing: false,
    command: 'widget add 3',
  })
})
