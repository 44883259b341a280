import t from 'tap'
import {
  filter,
  gact,
  mirred,
  u32,
  type ActionSpec,
  type FilterKey,
  type FilterSpec,
} from '../../src/tc/index.js'
import { writeAttributes } from '../../src/tc/raw-attributes.js'
import { again, devices, encode, messageIn, sent } from './encode.js'

const place = { dev: 'd0', parent: 'ingress', priority: 10, protocol: 'ip' } as const
const node = { ...place, kind: 'u32', handle: '1:2:3' } as const

const refuse =
  (spec: FilterSpec, verb: 'add' | 'change' | 'replace' = 'add') =>
  () =>
    filter.toNew(spec, devices, verb)
const refuseKey = (key: object) => () => filter.toDelete(key as FilterKey, devices)

t.test('a filter reads as it is written', async t => {
  const spec: FilterSpec = {
    ...place,
    kind: 'u32',
    handle: '::1',
    keys: [u32.destinationAddress('10.9.0.2'), ...u32.destinationPorts(31000, 31007)],
    actions: [mirred.redirect('d1')],
  }
  t.match(again(filter, spec), {
    ...{ ...place, ifindex: 7, chain: 0, kind: 'u32', handle: '::1', terminal: true },
    keys: [
      { at: 16, value: 0x0a090002, mask: 0xffffffff },
      { at: 20, value: 31000, mask: 0xfff8 },
    ],
    actions: [{ kind: 'mirred', operation: 'redirect', direction: 'egress', dev: 'd1', then: 'stolen' }],
  })
  t.equal(
    filter.command('add', spec),
    'tc filter add dev d0 ingress prio 10 protocol ip handle ::1 u32 match u32 0x0a090002 0xffffffff at 16 match u32 0x00007918 0x0000fff8 at 20 action mirred egress redirect dev d1',
  )
})

t.test('the table of a node goes along with its handle', async t => {
  const hashOf = (spec: FilterSpec): unknown =>
    (sent(filter, spec).attributes['options'] as { hash?: number }).hash
  t.equal(hashOf(node), 0x00102000, 'taken from the handle')
  t.equal(hashOf({ ...node, table: '1:2:' }), 0x00102000)
  t.equal(hashOf({ ...node, handle: '::3', table: '1:2:' }), 0x00102000)
  t.equal(hashOf({ ...node, handle: undefined, table: '1:2:' }), 0x00102000, 'the kernel chooses the node')
  t.equal(hashOf({ ...node, handle: '::3' }), undefined, 'the root table')
  t.throws(refuse({ ...node, table: '1:3:' }), { message: "handle '1:2:3' is not in table '1:3:'" })
  t.throws(refuse({ ...node, handle: '1:2:' }), { message: /'1:2:' does not name a node/ })
  t.throws(refuse({ ...node, handle: '0:2:3' }), { message: /names a bucket of the root table/ })
})

t.test('tables', async t => {
  t.match(again(filter, { ...place, kind: 'u32', handle: '1:', divisor: 64 }), { handle: '1:', divisor: 64 })
  for (const divisor of [0, 3, 512, 1.5])
    t.throws(
      refuse({ ...node, handle: '1:', divisor }),
      { name: 'RangeError', message: /: divisor is / },
      `${divisor}`,
    )
  t.throws(refuse({ ...node, divisor: 64 }), { message: /'1:2:3' is not a table/ })
  t.match(
    again(filter, { ...place, kind: 'u32', handle: '1:', divisor: 64, skipHardware: true }),
    { divisor: 64, skipHardware: true },
    'what a table may have',
  )
  const ofNodes = {
    ...{ keys: [], link: '2:', hashKey: { mask: 1, at: 0 }, offset: {}, classid: '1:1', actions: [] },
    ...{ mark: { value: 1, mask: 1 }, inputDevice: 'd0', terminal: true, table: '1:' },
  }
  for (const [name, value] of Object.entries(ofNodes)) {
    t.throws(refuse({ ...place, kind: 'u32', handle: '1:', divisor: 64, [name]: value } as never), {
      message: `filters.add: '${name}' does not go with 'divisor'`,
    })
  }
  // @ts-expect-error -- keys belong to a node
  t.throws(refuse({ ...place, kind: 'u32', handle: '1:', divisor: 64, keys: [] }))
  // @ts-expect-error -- options belong to kinds that are not modelled
  t.throws(refuse({ ...place, kind: 'u32', options: new Uint8Array() }), {
    message: "filters.add: unknown 'options', did you mean 'actions'?",
  })
})

t.test('keys of one word become one, as in tc', async t => {
  const keysOf = (spec: FilterSpec): unknown => (again(filter, spec) as { keys?: unknown }).keys
  t.strictSame(keysOf({ ...node, keys: [u32.sourcePort(53), u32.destinationPort(31000)] }), [
    { at: 20, value: 0x00357918, mask: 0xffffffff },
  ])
  t.strictSame(keysOf({ ...node, keys: [{ at: 20, value: 0xffffffff, mask: 0xff }] }), [
    { at: 20, value: 0xff, mask: 0xff },
  ])
  t.strictSame(keysOf(node), [{ at: 0, value: 0, mask: 0 }], 'no keys match everything')
  t.strictSame(keysOf({ ...node, keys: [{ at: 2, value: 1, mask: 1, nextHeader: true }] }), [
    { at: 2, value: 1, mask: 1, nextHeader: true },
  ])
  t.throws(refuse({ ...node, keys: [u32.protocol('tcp'), u32.protocol('udp')] }), {
    message:
      'keys at 8 contradict each other: 0x00060000/0x00ff0000 and 0x00110000/0x00ff0000 never match together',
  })
  t.throws(refuse({ ...node, keys: [{ at: 0, value: -1, mask: 1 }] }), {
    name: 'RangeError',
    message: /: keys\[0\].value is -1/,
  })
  const many = Array.from({ length: 129 }, (_, i) => ({ at: 4 * i, value: 0, mask: 0 }))
  t.throws(refuse({ ...node, keys: many }), { message: /: 129 keys do not fit/ })
  t.doesNotThrow(refuse({ ...node, keys: many.slice(1) }))
})

t.test('offset and hash key come back as they were', async t => {
  const spec = {
    ...node,
    link: '2:',
    hashKey: { mask: 0xff0000, at: -8 },
    offset: { at: 8, mask: 0xf00, shift: 6, plus: 8, eat: true },
    classid: '1:10',
    terminal: false,
    inputDevice: 'd1',
    mark: { value: 1, mask: 0xff },
    skipHardware: true,
  } as const
  t.match(again(filter, spec), spec)
  t.match(again(filter, { ...node, offset: { plus: 4 } }), { offset: { plus: 4 } })
  t.notOk('offset' in again(filter, node))
})

t.test('the kernel would keep the keys of a u32 filter that exists', async t => {
  t.throws(refuse({ ...node, keys: [] }, 'change'), {
    name: 'TypeError',
    message: /the kernel keeps keys, hashKey and offset/,
  })
  t.throws(refuse(node, 'replace'), { name: 'TypeError', message: /cannot be replaced/ })
  const change = sent(filter, { ...node, actions: [mirred.redirect('d1')] }, 'change')
  t.strictSame(Object.keys(change.attributes['options'] as object), ['actions', 'hash'], 'no selector')
})

t.test('a delete takes the full key', async t => {
  const key: FilterKey = { ...place, kind: 'u32', handle: '1:2:3' }
  const type = filter.messages.delete
  const body = messageIn(encode(type, 0, filter.toDelete(key, devices))).decode(type)
  t.match(body, { ifindex: 7, handle: 0x00102003, parent: 0xfffffff2, attributes: { kind: 'u32' } })
  t.equal(filter.command('delete', key), 'tc filter del dev d0 ingress prio 10 protocol ip handle 1:2:3 u32')

  t.throws(refuseKey({ ...key, handle: undefined }), { message: /: handle is missing/ })
  for (const handle of [0, '::', '0:0:0'])
    t.throws(
      refuseKey({ ...key, handle }),
      { name: 'TypeError', message: /all filters of the priority/ },
      `${handle}`,
    )
  t.throws(refuseKey({ ...key, kind: 'bpf', handle: 0 }), TypeError)
  t.throws(refuseKey({ ...key, kind: 'matchall', handle: 0 }), TypeError)
  t.throws(refuseKey({ ...key, handle: '::1' }), { message: /'::1' does not say which root table/ })
  t.throws(refuseKey({ ...key, priority: undefined }), { message: /: priority is missing/ })
  t.throws(refuseKey({ ...key, priority: 0 }), RangeError)
  t.throws(refuseKey({ ...key, protocol: undefined }))
  t.throws(refuseKey({ ...key, parent: undefined }), { message: /: parent is missing/ })
})

t.test('bad input is refused before the kernel sees it', async t => {
  t.throws(refuse({ ...node, dev: 'eth9' }), { code: 'ENODEV', message: /there is no device 'eth9'/ })
  t.throws(refuse({ ...node, priority: 65536 }), { message: /: priority is 65536/ })
  t.throws(refuse({ ...node, protocol: 'ipx' as never }), {
    message: /: protocol is 'ipx': expected one of 'all', 'ip'/,
  })
  t.throws(refuse({ ...node, protocol: 0x10000 }), { message: /: protocol is 65536/ })
  t.throws(refuse({ ...place, kind: 'bpf' } as never), {
    message: /: fd is missing: expected the file descriptor of an eBPF program, where there is no 'program'/,
  })
  t.throws(refuse({ ...place, kind: 'bpf', program: [], fd: 3 } as never), {
    message: /: 'fd' does not go with 'program'/,
  })
  t.throws(refuse({ ...place, kind: 'bpf', program: [{ code: 0, jt: 0, jf: 0, k: 0 }] }), {
    message: /does not return/,
  })
  t.throws(refuse({ ...place, kind: 'bpf', handle: -1, fd: 3 }), { message: /: handle is -1/ })
  t.throws(refuse({ ...node, actions: Array.from({ length: 33 }, () => gact.pipe()) }), {
    message: /up to 32 actions, not 33/,
  })
  t.throws(refuse({ ...node, actions: [mirred.redirect('gone')] }), { code: 'ENODEV' })
  t.throws(() => mirred.redirect('d1', { direction: 'up' as never }), {
    message: /: direction is 'up'/,
  })
  t.throws(refuse({ ...node, actions: [{ ...gact.drop(), cookie: new Uint8Array(17) }] }), {
    message: /: actions\[0\]\.cookie is 17 bytes/,
  })
})

t.test('actions', async t => {
  const cases: [action: ActionSpec, words: string, read: object][] = [
    [
      mirred.redirect('d1'),
      'mirred egress redirect dev d1',
      { dev: 'd1', operation: 'redirect', direction: 'egress', then: 'stolen' },
    ],
    [
      mirred.redirect(8, { direction: 'ingress' }),
      'mirred ingress redirect dev if8',
      { dev: 'd1', direction: 'ingress' },
    ],
    [mirred.mirror('d1'), 'mirred egress mirror dev d1', { operation: 'mirror', then: 'pipe' }],
    [mirred.mirror('d1', { then: 'continue' }), 'mirred egress mirror dev d1 continue', { then: 'continue' }],
    [
      mirred.mirror('d1', { direction: 'ingress', then: 'drop' }),
      'mirred ingress mirror dev d1 drop',
      { direction: 'ingress', then: 'drop' },
    ],
    [gact.drop(), 'gact drop', { then: 'drop' }],
    [gact.pass(), 'gact pass', { then: 'pass' }],
    [gact.pipe(), 'gact pipe', { then: 'pipe' }],
    [gact.continue(), 'gact continue', { then: 'continue' }],
    [gact.reclassify(), 'gact reclassify', { then: 'reclassify' }],
    [gact.goto(7), 'gact goto chain 7', { then: { goto: 7 } }],
    [{ kind: 'gact', then: { jump: 2 } }, 'gact jump 2', { then: { jump: 2 } }],
    [{ kind: 'gact', then: 99 }, 'gact 99', { then: 99 }],
    [
      { ...gact.drop(), cookie: Uint8Array.of(1, 0xab) },
      'gact drop cookie 01ab',
      { cookie: Uint8Array.of(1, 0xab) },
    ],
    [
      { kind: 'police', options: Uint8Array.of(8, 0, 1, 0) },
      'police # TCA_ACT_OPTIONS 08000100',
      { options: Uint8Array.of(8, 0, 1, 0) },
    ],
  ]
  for (const [action, words, read] of cases) {
    const spec: FilterSpec = { ...node, actions: [action] }
    t.match(again(filter, spec), { actions: [{ kind: action.kind, ...read }] }, words)
    t.ok(filter.command('add', spec).endsWith(`action ${words}`), words)
  }
})

t.test('kinds that are not modelled keep their bytes', async t => {
  const spec: FilterSpec = {
    ...place,
    kind: 'flower',
    handle: 1,
    options: Uint8Array.of(8, 0, 1, 0, 0, 0, 1, 0),
  }
  t.match(again(filter, spec), spec)
  t.equal(
    filter.command('add', spec),
    'tc filter add dev d0 ingress prio 10 protocol ip handle 1 flower # TCA_OPTIONS 0800010000000100',
  )
})

t.test('the entry of a priority in a dump is no filter', async t => {
  const entry = filter.fromBody(
    { ifindex: 7, handle: 0, parent: 0xfffffff2, info: 0, attributes: { kind: 'u32', chain: 0 } },
    devices,
  )
  t.equal(filter.matches?.(entry, place, devices), false)
  t.equal(filter.matches?.(again(filter, node), place, devices), true)
})

t.test('an error in the bytes names the attribute', async t => {
  const bytes = encode(
    filter.messages.new,
    0,
    filter.toNew({ ...node, actions: [mirred.redirect('d1')] }, devices, 'add'),
  )
  const parms = bytes.indexOf(Buffer.from('20000200', 'hex'))
  bytes.writeUInt16LE(2, parms)
  t.throws(() => messageIn(bytes).decode(filter.messages.new), {
    code: 'ERR_NETLINK_DECODE',
    path: 'RTM_NEWTFILTER.TCA_OPTIONS.TCA_U32_ACT.action[0].TCA_ACT_OPTIONS.TCA_MIRRED_PARMS',
  })
})

t.test('no bytes make the decoder fail in another way', async t => {
  const whole = encode(
    filter.messages.new,
    0,
    filter.toNew({ ...node, actions: [mirred.redirect('d1'), gact.drop()] }, devices, 'add'),
  )
  for (let at = 36; at < whole.length; at++) {
    for (const byte of [0x00, 0x01, 0x7f, 0xff]) {
      const bytes = Buffer.from(whole)
      bytes[at] = byte
      try {
        filter.fromBody(messageIn(bytes).decode(filter.messages.new), devices)
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_NETLINK_DECODE') throw error
      }
    }
  }
  t.pass(`${whole.length} bytes, each overwritten`)
})

/** TCA_POLICE_TBF with a rate, whose table the kernel does not list: struct tc_police, linux/pkt_cls.h. */
function policer(index: number, references: number): Uint8Array {
  const bytes = new Uint8Array(60)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 60, true)
  view.setUint16(2, 1, true)
  view.setUint32(4, index, true)
  view.setUint32(32, 125_000, true)
  view.setUint32(48, references, true)
  view.setUint32(52, references, true)
  return bytes
}

t.test('a policer is carried, or named where filters share it', async t => {
  const filters: readonly [string, FilterSpec][] = [
    ['TCA_U32_POLICE', { ...place, kind: 'u32' }],
    ['TCA_BPF_POLICE', { ...place, kind: 'bpf', program: [{ code: 6, jt: 0, jf: 0, k: 1 }] }],
  ]
  for (const [name, spec] of filters) {
    const listed = again(filter, { ...spec, police: policer(7, 1) } as FilterSpec)
    const { police = new Uint8Array() } = listed as { police?: Uint8Array }
    t.equal(police[4], 0, `${name}: without its number`)
    t.equal(police.length, 60 + 4 + 1024, `${name}: with the rate table that the kernel needs`)
    t.match(sent(filter, listed), { attributes: { options: { police } } }, `${name}: sent again`)

    const shared = again(filter, { ...spec, police: policer(7, 2) } as FilterSpec)
    t.match(shared, { police: undefined, uncarried: [`TCA_OPTIONS.${name}`] }, `${name}: shared`)
  }

  const basic = (references: number) => {
    const options = writeAttributes([{ type: 4, bytes: policer(7, references) }])
    return again(filter, { ...place, kind: 'basic', options })
  }
  t.match(basic(2), { options: new Uint8Array(), uncarried: ['TCA_OPTIONS.TCA_BASIC_POLICE'] })
  t.notOk('uncarried' in basic(1), 'one of its own goes along')
})

t.test('VLAN keys of flower have the EtherType of the tag; the one inside is listed', async t => {
  const options = (etherType: number): Uint8Array =>
    writeAttributes([
      { type: 8, bytes: Uint8Array.of(etherType >> 8, etherType & 0xff) },
      { type: 23, bytes: Uint8Array.of(3, 0) },
    ])
  const given = (protocol: '802.1Q' | 'all'): unknown =>
    sent(filter, { ...place, protocol, kind: 'flower', options: options(0x0800) }).attributes['options']
  t.same(given('802.1Q'), options(0x8100))
  t.throws(() => given('all'), /TCA_FLOWER_KEY_VLAN_ID needs the EtherType of the tag/)
})
