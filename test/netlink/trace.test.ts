import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NetlinkSocket } from '../../src/netlink/socket.js'
import { NetlinkSocketSync } from '../../src/netlink/socket-sync.js'
import { NetlinkSubscription } from '../../src/netlink/subscription.js'
import type { Protocol } from '../../src/netlink/message-type.js'
import type { TracedMessage } from '../../src/netlink/trace.js'
import { acknowledgement, attribute, extAck, message, reply } from '../helpers/netlink-bytes.js'
import { add, newWidget, protocol, widgetBody } from '../helpers/sample-protocol.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

/** Runs fixtures/traced.ts. */
function traced(debug: string): { stdout: string; stderr: string } {
  const program = fileURLToPath(new URL('fixtures/traced.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: debug, NO_COLOR: '1' },
  })
  return { stdout, stderr: stderr.replace(/RTNETLINK \d+:/g, 'RTNETLINK:') }
}

t.test('NODE_DEBUG=rtnetlink', async t => {
  const { stdout, stderr } = traced('rtnetlink')
  t.equal(stdout, '16\n')
  const lines = stderr.trimEnd().split('\n')
  t.ok(
    lines.every(line => /^(RTNETLINK: [<>]| {4})/.test(line)),
    'what belongs to a message is indented',
  )
  const parts = "[ { kind: 'axle', tag: 'left' }, { kind: 'axle', tag: 'right' } ]"
  t.same(
    stderr.split('RTNETLINK: ').map(each => each.replace(/\s+/g, ' ').trim()),
    [
      '',
      '> RTM_NEWWIDGET seq 1 widget add 3 ' +
        `{ family: 0, index: 3, label: '', info: 0, attributes: { kind: 'gear', options: { teeth: 12, parts: ${parts} } } }`,
      "< NLMSG_ERROR seq 1 { errno: -22, extAck: { message: 'Too many teeth' } }",
      "> RTM_GETWIDGET seq 1 { family: 0, index: 0, label: '', info: 0, attributes: {} }",
      "< RTM_NEWWIDGET seq 1 { family: 0, index: 0, label: '', info: 0, attributes: {} }",
      '< NLMSG_DONE seq 1 { errno: 0, extAck: {} }',
    ],
  )
})

t.test('nothing is printed otherwise', async t => {
  t.same(traced(''), { stdout: '16\n', stderr: '' })
  t.same(traced('http'), { stdout: '16\n', stderr: '' })
})

/** What the two channels publish while `run` runs. */
async function published(
  run: () => unknown,
): Promise<{ requests: TracedMessage[]; replies: TracedMessage[] }> {
  const requests: TracedMessage[] = []
  const replies: TracedMessage[] = []
  const onRequest = (traced: unknown): void => void requests.push(traced as TracedMessage)
  const onReply = (traced: unknown): void => void replies.push(traced as TracedMessage)
  subscribe('rtnetlink:request', onRequest)
  subscribe('rtnetlink:reply', onReply)
  await run()
  unsubscribe('rtnetlink:request', onRequest)
  unsubscribe('rtnetlink:reply', onReply)
  return { requests, replies }
}

const accept = (wire: Uint8Array): Uint8Array[] => [
  reply(wire, { type: newWidget.type, flags: 2 }, Buffer.alloc(16)),
  acknowledgement(wire, 0, extAck.message('Deprecated')),
]

const NLM_F_REQUEST_ACK = 5

t.test('diagnostics_channel', async t => {
  const { requests, replies } = await published(() =>
    new NetlinkSocket(new ScriptedTransport({ answer: accept }), protocol).request(add(3)),
  )
  t.same(requests, [
    {
      protocol: 'widgets',
      name: 'RTM_NEWWIDGET',
      sequence: 1,
      flags: NLM_F_REQUEST_ACK,
      body: { family: 0, index: 3, label: '', info: 0, attributes: {} },
      command: 'widget add 3',
    },
  ])
  t.match(replies, [
    {
      protocol: 'widgets',
      name: 'RTM_NEWWIDGET',
      sequence: 1,
      flags: 2,
      body: { index: 0 },
      command: undefined,
    },
    { name: 'NLMSG_ERROR', body: { errno: 0, extAck: { message: 'Deprecated' } } },
  ])
  t.equal(replies.length, 2)
})

t.test('of the synchronous form', async t => {
  const { requests, replies } = await published(() =>
    new NetlinkSocketSync(new ScriptedTransport({ answer: accept }), protocol).batch([add(3), add(4)]),
  )
  t.same(
    requests.map(({ command }) => command),
    ['widget add 3', 'widget add 4'],
  )
  t.equal(replies.length, 4)
})

t.test('of subscriptions', async t => {
  const transport = new ScriptedTransport()
  const subscription = new NetlinkSubscription(transport, protocol, [1])
  const { replies } = await published(() => {
    transport.deliver({ chunk: message({ type: newWidget.type, sequence: 0 }, Buffer.alloc(16)) })
  })
  t.match(replies, [{ name: 'RTM_NEWWIDGET', sequence: 0 }])
  subscription.close()
})

t.test('a body that cannot be decoded, and a message that is not declared', async t => {
  const answer = (wire: Uint8Array): Uint8Array[] => [
    reply(wire, { type: newWidget.type }, Buffer.alloc(16), attribute(3, '00')),
    reply(wire, { type: 4000 }, 'cafe'),
    acknowledgement(wire),
  ]
  const { replies } = await published(() =>
    new NetlinkSocket(new ScriptedTransport({ answer }), protocol).request(add(3)),
  )
  t.match(replies, [
    { name: 'RTM_NEWWIDGET', body: undefined },
    { name: 'widgets message 4000', body: undefined },
    { name: 'NLMSG_ERROR' },
  ])
})

t.test('nothing is decoded while nobody listens', async t => {
  let decoded = 0
  let told = 0
  const body = {
    ...widgetBody,
    get: (...args: Parameters<typeof widgetBody.get>) => {
      decoded++
      return widgetBody.get(...args)
    },
  }
  const counting: Protocol = {
    name: 'widgets',
    number: 0,
    messages: new Map([[newWidget.type, { ...newWidget, body }]]),
    command: () => `${++told}`,
  }
  const socket = new NetlinkSocket(new ScriptedTransport({ answer: accept }), counting)
  await socket.request(add(3))
  t.same([decoded, told], [0, 0])
  await published(() => socket.request(add(3)))
  t.same([decoded, told], [3, 1], 'the counters do count: request, its command, reply')
})
