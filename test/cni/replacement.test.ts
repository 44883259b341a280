import t from 'tap'
import { canBe, isOf, trialId } from '../../cni/src/plug-in/container-id.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ipBatch } from '../helpers/iproute2.js'
import { allOf } from '../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation, PATIENTLY } from '../isolator/isolated-topology.js'
import { hasClient } from './client-process.js'
import { asked, buildDaemon, hostOfDaemon, startDaemon, type CniCall } from './daemon-process.js'
import { NETWORK } from './network.js'

t.setTimeout(180_000)
buildDaemon()

t.test(
  'an ADD that is to replace a container, and is refused, leaves it as it was',
  allOf(needsIsolation(), hasClient()),
  async t => {
    const on = await hostOfDaemon(t, { containers: 3 })
    const { host, remote } = on
    const [first, second, other] = on.containers as [NamespaceRef, NamespaceRef, NamespaceRef]
    const daemon = startDaemon(t, on)
    await daemon.prints('isolator created')
    const add = (call: Omit<CniCall, 'command'>) => asked(on, { command: 'ADD', id: 'web', ...call })
    t.match(await add({ netns: first.path, ports: [31_000] }), { status: 0 })
    t.match(await add({ id: 'second', netns: second.path, ports: [31_001] }), { status: 0 })
    const containers = async () => (await PortMappingIsolator.inspect({ netns: host.name })).containers
    const before = await containers()
    await using _busy = await tcpEcho(host, '0.0.0.0', 31_005)
    await using echo = await tcpEcho(first, '0.0.0.0', 31_000)
    const isAsBefore = async (what: string): Promise<void> => {
      t.strictSame(await containers(), before, what)
      t.equal(await tcpConnect(remote, HOST_IP, echo.port, PATIENTLY), 'connected', what)
    }

    const refusals: [what: string, code: number, call: Omit<CniCall, 'command'>][] = [
      ["the host's namespace", 7, { netns: host.path }],
      ['no namespace', 4, { netns: '/run/netns/none' }],
      ["another container's namespace", 107, { netns: second.path }],
      ['a port that a socket of the host has', 105, { netns: other.path, ports: [31_000, 31_005] }],
      ["another container's port", 103, { netns: other.path, ports: [31_001] }],
      ['a port that the network does not give out', 104, { netns: other.path, ports: [80] }],
      [
        'another address',
        7,
        { netns: other.path, network: { ...NETWORK, runtimeConfig: { ips: ['10.9.0.77/24'] } } },
      ],
      ['other options', 7, { netns: other.path, network: { ...NETWORK, ephemeralPorts: '1024-2047' } }],
    ]
    for (const [what, code, call] of refusals) {
      t.match(await add(call), { status: 1, output: { code } }, what)
      await isAsBefore(what)
    }
    {
      await using _deaf = await tcpEcho(host, '0.0.0.0', 31_000)
      const what = 'a socket of the host on a port that the old one has'
      const msg = /^'shared:web' cannot have port 31000: a tcp socket of the host/
      t.match(
        await add({ netns: other.path, ports: [31_000] }),
        { status: 1, output: { code: 105, msg } },
        what,
      )
      await isAsBefore(what)
    }
    await ipBatch(other.name, ['link add eth0 type veth peer name eth9'])
    t.match(await add({ netns: other.path }), { status: 1, output: { code: 108 } }, 'an eth0 is there')
    await isAsBefore('an eth0 is there')
    await ipBatch(other.name, ['link del eth0'])

    t.match(await add({ netns: other.path, ports: [31_000, 31_002] }), { status: 0 }, 'control')
    t.strictSame((await containers()).map(({ id, ports }) => [id, ports]).sort(), [
      ['shared:second', [[31_001, 31_001]]],
      [
        'shared:web',
        [
          [31_000, 31_000],
          [31_002, 31_002],
        ],
      ],
    ])
    t.match(await asked(on, { command: 'CHECK', id: 'web', netns: other.path, ports: [31_000, 31_002] }), {
      status: 0,
    })
    t.equal(await daemon.end('SIGTERM'), 0)
  },
)

t.test(
  'ids up to the longest that the isolator takes, with the name of the network: 200 bytes',
  allOf(needsIsolation(), hasClient()),
  async t => {
    const on = await hostOfDaemon(t)
    const [first, other] = on.containers as [NamespaceRef, NamespaceRef]
    const daemon = startDaemon(t, on)
    await daemon.prints('isolator created')
    const ids = async () =>
      (await PortMappingIsolator.inspect({ netns: on.host.name })).containers.map(({ id }) => id)
    for (const bytes of [195, 196, 200]) {
      const id = 'a'.repeat(bytes - 'shared:'.length)
      t.match(await asked(on, { command: 'ADD', id, netns: first.path }), { status: 0 }, `${bytes} bytes`)
      t.match(await asked(on, { command: 'ADD', id, netns: other.path }), { status: 0 }, 'replaced')
      t.match(await asked(on, { command: 'CHECK', id, netns: other.path }), { status: 0 })
      t.strictSame(await ids(), [`shared:${id}`], 'and nothing beside it')
      t.match(await asked(on, { command: 'DEL', id, netns: other.path }), { status: 0 })
      t.strictSame(await ids(), [])
    }
    t.match(await asked(on, { command: 'ADD', id: 'a'.repeat(194), netns: first.path }), {
      status: 1,
      output: { code: 4, msg: /^CNI_CONTAINERID is too long: .* has more than 200 bytes$/ },
    })
    t.equal(await daemon.end('SIGTERM'), 0)
  },
)

t.test('the id of a trial', async t => {
  const network = 'n'.repeat(190)
  const [one, another] = [`${network}:aaaaaaaaa`, `${network}:aaaaaaaab`]
  t.equal(trialId('shared:web'), 'shared:web::new')
  t.equal(trialId('a'.repeat(195)), `${'a'.repeat(195)}::new`)
  for (const id of [one, another]) {
    t.equal(Buffer.byteLength(id), 200)
    t.ok(canBe(trialId(id)))
    t.ok(isOf({ name: network }, trialId(id)), 'a GC of the network takes it away')
  }
  t.not(trialId(one), trialId(another))
})
