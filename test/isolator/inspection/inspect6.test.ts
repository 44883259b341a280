import t from 'tap'
import type { Inspection } from '../../../src/isolator/inspection/inspection.js'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { ip, tc } from '../../helpers/iproute2.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { rtnetlink } from '../../cli/rtnetlink.js'
import { create, emptyTopology, OTHER_IP6, PORTS, reaches } from '../inet6-host.js'
import {
  HOST_IP6,
  HOST_LINES,
  HOST_LINK_LOCAL,
  REMOTE_LINK_LOCAL,
  twoContainers6,
} from '../inet6-topology.js'
import { needsIsolation, twoContainers } from '../isolated-topology.js'
import { changesNothing } from '../kernel-state.js'

const inspect = ({ name }: NamespaceRef): Promise<Inspection> => PortMappingIsolator.inspect({ netns: name })

const ofInet6 = (dev: string, handle: string): string =>
  `filter del dev ${dev} ingress prio 1030 protocol ipv6 handle ${handle} u32`

t.test('what is shared of both families', needsIsolation(), async t => {
  const { host } = await twoContainers6(t, { multicast: 'allow', hostAccess: '80' })
  const found = await inspect(host)
  t.match(found, {
    ipv6: { addresses: [HOST_IP6], linkLocal: HOST_LINK_LOCAL, gateways: [REMOTE_LINK_LOCAL] },
    faults: [],
    settings: {
      ...{ multicast: 'allow', hostAccess: 'restricted', fragments: 'drop' },
      ...{ neighbours: 'prefix', neighbours6: 'gateway' },
    },
  })
  t.strictSame(JSON.parse(JSON.stringify(found)), found, 'JSON carries all of it')
  const { stdout } = await rtnetlink(`show web-1 --netns ${host.name}`)
  t.match(stdout, new RegExp(`^IPv6 addresses +${HOST_IP6}$`, 'm'))
})

t.test('no IPv6', needsIsolation(), async t => {
  const { host } = await twoContainers(t)
  const found = await inspect(host)
  t.notOk('ipv6' in found)
  t.notOk('neighbours6' in found.settings)
})

t.test('a shared address that the host has lost', needsIsolation(), async t => {
  const { host } = await twoContainers6(t)
  await ip(host.name, `addr del ${HOST_IP6}/64 dev eth0`)
  t.strictSame((await inspect(host)).faults, [
    `eth0 has lost the address ${HOST_IP6}, which the containers share`,
  ])
})

for (const [dev, handles] of [
  ['eth0', ['18:6:1']],
  ['eth0', ['::1']],
  ['eth0', ['::1', '::2', '::3', '::4']],
  ['lo', ['::3']],
  ['lo', ['::1', '::2', '::3']],
] as const)
  t.test(`filters are missing: ${dev} ${handles.join(' ')}`, needsIsolation(), async t => {
    const topology = await emptyTopology(t, [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`])
    const { host } = topology
    const isolator = await create(topology)
    await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
    await isolator.close()
    const roots = await rootsOf(host, dev)
    for (const handle of handles) await tc(host.name, ofInet6(dev, handle.replace(/^::/, `${roots}::`)))
    const { faults, ipv6 } = await inspect(host)
    t.strictSame(faults, [
      `${dev} lacks ${handles.length} of the layout's static filters: create() makes them again`,
    ])
    t.strictSame([...(ipv6?.addresses ?? [])].sort(), [HOST_IP6, OTHER_IP6])
    const again = await create(topology)
    await again.recover(['web-1'])
    t.strictSame(await again.verify(), [])
    t.strictSame((await inspect(host)).faults, [])
    t.equal(await reaches(topology, HOST_IP6), 'connected')
    await again.destroy()
  })

/** The number that the kernel gave to the root table of IPv6. */
async function rootsOf({ name }: NamespaceRef, dev: string): Promise<string> {
  const shown = await tc(name, `filter show dev ${dev} ingress prio 1030 protocol ipv6`)
  return /fh (8\w\w):/.exec(shown)?.[1] ?? ''
}

t.test('a set-up that was cut before its roots, and other addresses since', needsIsolation(), async t => {
  const topology = await emptyTopology(t, [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`])
  const { host } = topology
  await changesNothing(t, [host], async () => {
    const first = await create(topology)
    await first.close()
    for (const [dev, count] of [
      ['eth0', 4],
      ['lo', 3],
    ] as const) {
      const roots = await rootsOf(host, dev)
      for (let i = 1; i <= count; i++) await tc(host.name, ofInet6(dev, `${roots}::${i}`))
    }
    await ip(host.name, `addr del ${HOST_IP6}/64 dev eth0`)
    const { faults } = await inspect(host)
    t.match(faults, [/has lost the address 2001:db8:9::2/, /lo lacks 3 of/, /eth0 lacks 4 of/])
    const second = await create(topology)
    t.strictSame(await second.verify(), [], 'it is completed')
    t.match(second.host.ipv6, { addresses: [{ address: OTHER_IP6 }] })
    await second.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
    t.equal(await reaches(topology, OTHER_IP6), 'connected')
    await second.destroy()
    await ip(host.name, `addr add ${HOST_IP6}/64 dev eth0 nodad`)
    await ip(host.name, `addr del ${OTHER_IP6}/64 dev eth0`)
    await ip(host.name, `addr add ${OTHER_IP6}/64 dev eth0 nodad`)
  })
})
