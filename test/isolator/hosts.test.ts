import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { ip, ipBatch, ipJson } from '../helpers/iproute2.js'
import { allOf, hasLink } from '../helpers/privilege.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, REMOTE_IP, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, OPTIONS, PATIENTLY } from './isolated-topology.js'

/** A second router, which is the same machine, and one that is not there. */
const OTHER_ROUTER = '10.9.0.3'
const NO_ROUTER = '10.9.0.77'
/** Addresses of the remote that nothing but a default route leads to, one in each half, and one behind a router. */
const FAR = ['198.18.0.1', '33.33.0.1'] as const
const BEHIND = '10.20.1.1'

/** Puts the addresses on the far side that routes lead to. */
async function reachable({ remote, host }: Topology): Promise<void> {
  await ipBatch(remote.name, [
    `addr add ${OTHER_ROUTER}/24 dev eth0`,
    ...[...FAR, BEHIND].map(address => `addr add ${address}/32 dev lo`),
  ])
  await ip(host.name, 'route del default')
}

interface Way {
  name: string
  /** `ip` lines on the host. */
  lines: readonly string[]
  /** What takes them back. */
  undo: readonly string[]
}

const route = (name: string, ...routes: string[]): Way => ({
  name,
  lines: routes.map(line => `route add ${line}`),
  undo: routes.map(line => `route del ${line}`),
})

const WAYS: readonly Way[] = [
  route('a gateway', `default via ${REMOTE_IP}`),
  route('two next hops', `default nexthop via ${REMOTE_IP} dev eth0 nexthop via ${OTHER_ROUTER} dev eth0`),
  route('on the link', 'default dev eth0'),
  {
    name: 'a table of its own',
    lines: [`route add default via ${REMOTE_IP} table 100`, `rule add from ${HOST_IP} table 100`],
    undo: [`rule del from ${HOST_IP} table 100`, `route del default table 100`],
  },
  route('two halves of one router', `0.0.0.0/1 via ${REMOTE_IP}`, `128.0.0.0/1 via ${REMOTE_IP}`),
  route('two halves of two', `0.0.0.0/1 via ${REMOTE_IP}`, `128.0.0.0/1 via ${OTHER_ROUTER}`),
  {
    name: 'a nexthop object',
    lines: [`nexthop add id 5 via ${REMOTE_IP} dev eth0`, 'route add default nhid 5'],
    undo: ['route del default', 'nexthop del id 5'],
  },
  {
    name: 'a group of nexthop objects',
    lines: [
      `nexthop add id 5 via ${REMOTE_IP} dev eth0`,
      `nexthop add id 6 via ${OTHER_ROUTER} dev eth0`,
      'nexthop add id 7 group 5/6',
      'route add default nhid 7',
    ],
    undo: ['route del default', 'nexthop del id 7', 'nexthop del id 6', 'nexthop del id 5'],
  },
  route('beside a route for a TOS', `default tos 0x10 via ${NO_ROUTER}`, `default via ${REMOTE_IP}`),
  route('several metrics', `default via ${NO_ROUTER} metric 200`, `default via ${REMOTE_IP} metric 50`),
]

interface Scene {
  remote: NamespaceRef
  host: NamespaceRef
  container: NamespaceRef
  port: number
  isolator: PortMappingIsolator
  /** Addresses that the container reaches through the wire. */
  out: readonly string[]
  /** The host's address. */
  address?: string
}

const PAYLOAD = 'there and back'

/** Real traffic in every direction, and nothing to report. */
async function works(t: Test, what: string, scene: Scene): Promise<void> {
  const { remote, host, container, port, isolator, out, address = HOST_IP } = scene
  await using inside = await tcpEcho(container, '0.0.0.0', port)
  const over = async (from: NamespaceRef, to: string, toPort: number): Promise<string> => {
    const { answer } = await tcpExchange(from, to, toPort, Buffer.from(PAYLOAD), PATIENTLY)
    return answer.toString()
  }
  t.equal(await over(remote, address, inside.port), PAYLOAD, `${what}: TCP from the remote`)
  t.equal(await over(host, address, inside.port), PAYLOAD, `${what}: TCP from the host`)
  await using service = await tcpEcho(host, '0.0.0.0', 8080)
  t.equal(await over(container, address, service.port), PAYLOAD, `${what}: TCP to the host`)
  await using web = await tcpEcho(remote, '0.0.0.0', 80)
  for (const far of out) {
    t.equal(await over(container, far, web.port), PAYLOAD, `${what}: TCP to ${far}`)
    // Bound to the address, it answers from there.
    await using names = await udpEcho(remote, far, 53)
    t.equal(await udpExchange(container, far, names.port, PATIENTLY), 'answered', `${what}: UDP to ${far}`)
  }
  t.strictSame(await isolator.verify(), [], `${what}: nothing to report`)
}

/** Creates an isolator on the host of a topology, and a container; both are gone when `use` is through. */
async function isolated(
  topology: Topology,
  use: (scene: Scene) => Promise<void>,
  options: Partial<Parameters<typeof PortMappingIsolator.create>[0]> = {},
): Promise<void> {
  const { remote, host, containers } = topology
  const [container] = containers as [NamespaceRef]
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
  try {
    await isolator.isolate('web', { netns: container.name, ports: '31000-31007' })
    await use({ remote, host, container, port: 31000, isolator, out: FAR })
    await isolator.cleanup('web')
  } finally {
    await isolator.destroy()
  }
}

async function scene(use: (topology: Topology) => Promise<void>): Promise<void> {
  await using topology = await createTopology({ containers: 1, prefix: 'o' })
  await reachable(topology)
  await use(topology)
}

/** Waits for what comes about by itself. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it has not come about within 5 s')
    await sleep(10)
  }
}

t.test('default routes that are there at create()', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    for (const { name, lines, undo } of WAYS) {
      await ipBatch(host.name, [...lines])
      await isolated(topology, scene => works(t, name, scene))
      await ipBatch(host.name, [...undo])
    }
  }),
)

t.test('default routes that come, change and go while containers run', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    await isolated(topology, async scene => {
      const { isolator } = scene
      t.strictSame(await isolator.verify(), [], 'without a way out there is nothing to report')
      isolator.on('error', error => t.error(error))
      isolator.on('repaired', () => undefined)
      for (const { name, lines, undo } of WAYS) {
        await ipBatch(host.name, [...lines])
        await eventually(async () => (await isolator.verify()).length === 0)
        await works(t, name, scene)
        await ipBatch(host.name, [...undo])
      }
    })
  }),
)

t.test("the host's other routes, and those of the option", needsIsolation(), t =>
  scene(async topology => {
    const { host, container } = { ...topology, container: topology.containers[0] as NamespaceRef }
    const behind = `10.20.0.0/16 via ${OTHER_ROUTER}`
    await ipBatch(host.name, [
      `route add ${behind}`,
      'route add 10.30.0.0/16 via 10.9.0.1 metric 20 mtu 1400',
    ])
    const inside = async (): Promise<string[]> => {
      const lines = (await ip(container.name, 'route show proto 112')).trim().split('\n')
      return lines.map(line => line.trim()).filter(line => line !== '')
    }
    await isolated(topology, async scene => {
      const { isolator } = scene
      await works(t, 'a router beside', { ...scene, out: [BEHIND] })
      t.strictSame(await inside(), [
        '10.20.0.0/16 via 10.9.0.3 dev eth0 onlink',
        '10.30.0.0/16 via 10.9.0.1 dev eth0 onlink mtu 1400',
      ])
      await ip(host.name, 'route del 10.30.0.0/16')
      t.match(await isolator.verify('web'), [{ kind: 'surplus', object: /10\.30\.0\.0\/16/, foreign: false }])
      t.match(await isolator.repair(), { repaired: [{ kind: 'surplus' }], left: [] })
      t.strictSame(await inside(), ['10.20.0.0/16 via 10.9.0.3 dev eth0 onlink'])

      const many = Array.from({ length: 64 }, (_, i) => `route add 10.40.${i}.0/24 via ${REMOTE_IP}`)
      await ipBatch(host.name, many)
      t.match(
        await isolator.verify(),
        [
          { id: 'web', kind: 'surplus' },
          {
            kind: 'missing',
            found: /more than 64 routes through eth0.*'routes' takes a list/,
            foreign: true,
          },
        ].reverse(),
      )
      await ipBatch(
        host.name,
        many.map(line => line.replace('add', 'del')),
      )
      await isolator.repair()
    })
    const options = { gateway: OTHER_ROUTER, routes: [{ destination: BEHIND, gateway: REMOTE_IP }] }
    await isolated(
      topology,
      async scene => {
        await works(t, 'as the options say', { ...scene, out: [...FAR, BEHIND] })
        t.strictSame(await inside(), [
          'default via 10.9.0.3 dev eth0 onlink',
          '10.20.1.1 via 10.9.0.1 dev eth0 onlink',
        ])
        await ip(host.name, `route add default via ${NO_ROUTER}`)
        t.strictSame(await scene.isolator.verify(), [], 'the host has no say')
        await ip(host.name, 'route del default')
      },
      options,
    )
    for (const gateway of ['none', 'on-link'])
      await isolated(
        topology,
        async () => {
          t.strictSame(await inside(), gateway === 'none' ? [] : ['default dev eth0 scope link'])
        },
        { gateway, routes: [] },
      )
  }),
)

t.test('what containers cannot follow is said', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    const create = (options: object): Promise<PortMappingIsolator> =>
      PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
    const refused = async (options: object, message: RegExp): Promise<void> => {
      await t.rejects(create(options), { code: 'ERR_INVALID_OPTION', message })
    }
    await refused({ publicInterface: undefined }, /publicInterface.*this host has no default route/)
    await ip(host.name, '-4 route add default via inet6 fe80::1 dev eth0')
    await refused({}, /the default route through eth0 leads by the IPv6 router fe80::1.*'gateway', expected/)
    await isolated(topology, scene => works(t, 'with a gateway given', scene), { gateway: REMOTE_IP })
    await ipBatch(host.name, ['route del default', 'route add default dev eth0'])
    await refused(
      { neighbours: 'gateway' },
      /is default dev eth0, but neighbours: 'gateway' needs one gateway/,
    )
    await ip(host.name, 'route del default')
    await refused({ gateway: HOST_IP }, /gateway is '10.9.0.2': expected the address of another machine/)

    await ipBatch(host.name, [
      'link add other type veth peer name far',
      'addr add 10.8.0.2/24 dev other',
      'link set far up',
      'link set other up',
      'route add default via 10.8.0.1',
    ])
    const warned = new Promise<Error>(resolve => process.once('warning', resolve))
    await isolated(topology, async ({ isolator }) => {
      t.match(await warned, { code: 'RTNETLINK_ROUTES', message: /default route is through other/ })
      t.match(await isolator.verify(), [
        { kind: 'missing', object: 'ip route add default dev eth0', found: /through other.*'gateway' takes/ },
      ])
    })
    await ipBatch(host.name, [
      'route del default',
      'route add default nexthop via 10.8.0.1 dev other nexthop via 10.9.0.1 dev eth0',
    ])
    await refused({ publicInterface: undefined }, /default route leads through other and eth0/)
    await isolated(topology, scene => works(t, 'one of two next hops', scene))
  }),
)

/** What changes on the host while no program has an isolator on it. `restarts`: so often one begins that does not recover. */
const UNSEEN: { name: string; lines: readonly string[]; restarts?: number; out?: readonly string[] }[] = [
  { name: 'a gateway that moves', lines: [`route replace default via ${REMOTE_IP}`] },
  {
    name: 'a gateway that moves before a program that ends without recover()',
    lines: [`route replace default via ${REMOTE_IP}`],
    restarts: 1,
  },
  {
    name: 'a route that comes',
    lines: [`route add 10.20.0.0/16 via ${OTHER_ROUTER}`],
    out: [BEHIND],
  },
]

for (const { name, lines, restarts = 0, out = FAR } of UNSEEN)
  t.test(`while no isolator runs: ${name}`, needsIsolation(), t =>
    scene(async topology => {
      const { host } = topology
      const create = () => PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
      await ip(host.name, `route add default via ${NO_ROUTER}`)
      await isolated(topology, async scene => {
        await scene.isolator.close()
        await ipBatch(host.name, [...lines])
        for (let i = 0; i < restarts; i++) await (await create()).close()
        const isolator = await create()
        await isolator.recover(['web'])
        await works(t, 'after a restart', { ...scene, isolator, out })
        await isolator.destroy()
      }).catch((error: unknown) => {
        if ((error as { code?: string }).code !== 'ERR_ISOLATOR_CLOSED') throw error
      })
    }),
  )

t.test('more routes than are read', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    const many = Array.from(
      { length: 5000 },
      (_, i) => `route add 10.${64 + (i >> 8)}.${i & 255}.0/24 via ${REMOTE_IP}`,
    )
    await ipBatch(host.name, [`route add default via ${REMOTE_IP}`, ...many])
    const warned = new Promise<Error>(resolve => process.once('warning', resolve))
    await isolated(topology, async scene => {
      t.match(await warned, { code: 'RTNETLINK_ROUTES', message: /more than 4096 routes.*'routes' takes/ })
      t.match(await scene.isolator.verify('web'), [])
      t.match(await scene.isolator.verify(), [{ kind: 'missing', found: /more than 4096 routes/ }])
    })
  }),
)

t.test("a container's own routes are its own affair", needsIsolation(), t =>
  scene(async topology => {
    const { host, containers } = topology
    const [container] = containers as [NamespaceRef]
    await ip(host.name, `route add default via ${REMOTE_IP}`)
    await isolated(topology, async scene => {
      const { isolator } = scene
      await ipBatch(container.name, [
        'link add tun type veth peer name far',
        'link set tun up',
        'route replace default dev tun',
      ])
      t.strictSame(await isolator.verify(), [], 'its way out is another device')
      await ip(container.name, `route replace default via ${NO_ROUTER} dev eth0`)
      t.match(await isolator.verify(), [{ id: 'web', kind: 'different', found: /10\.9\.0\.77/ }])
      await isolator.repair('web')
      await works(t, 'repaired', scene)
      await ip(container.name, 'route del default')
      t.match(await isolator.verify(), [{ id: 'web', kind: 'missing', object: /^ip route add default/ }])
      await isolator.repair('web')
      await works(t, 'repaired', scene)
    })
  }),
)

t.test('MTUs, and a device without IPv6', needsIsolation(), t =>
  scene(async topology => {
    const { remote, host, containers } = topology
    const [container] = containers as [NamespaceRef]
    const change = async (mtu: number): Promise<void> => {
      await ip(remote.name, `link set eth0 mtu ${mtu}`)
      await ip(host.name, `link set eth0 mtu ${mtu}`)
      await ip(host.name, `route replace default via ${REMOTE_IP}`)
    }
    const mtuInside = async (): Promise<number | undefined> => {
      const [link] = await ipJson<{ mtu: number }>(container.name, 'link show eth0')
      return link?.mtu
    }
    for (const mtu of [68, 576, 1280, 9000]) {
      await change(mtu)
      await isolated(topology, async scene => {
        await works(t, `MTU ${mtu}`, scene)
        t.equal(await mtuInside(), mtu)
      })
    }
    await isolated(topology, async scene => {
      const { isolator } = scene
      isolator.on('repaired', () => undefined)
      for (const mtu of [576, 1500, 68, 9000]) {
        await change(mtu)
        await eventually(async () => (await isolator.verify()).length === 0)
        await works(t, `MTU ${mtu} later`, scene)
        t.equal(await mtuInside(), mtu)
      }
    })
  }),
)

/** Ages and counters go on between two looks. */
const identityOf = (found: object) => {
  const { dev, address, destination, handle, parent } = found as Record<string, unknown>
  return { dev, address, destination, handle, parent }
}

t.test('alternative names', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    await ipBatch(host.name, [
      `route add default via ${REMOTE_IP}`,
      'link property add dev eth0 altname enp1s0',
      'link property add dev lo altname loopback0',
    ])
    await isolated(topology, scene => works(t, 'by another name', scene), {
      publicInterface: 'enp1s0',
      loopbackInterface: 'loopback0',
    })
    await using rt = await RtnetlinkSocket.open({ netns: host.name })
    for (const table of ['addresses', 'routes', 'neighbours', 'qdiscs'] as const) {
      const [by, other] = await Promise.all(
        ['eth0', 'enp1s0'].map(async dev => (await rt[table].list({ dev })).map(identityOf)),
      )
      t.strictSame(other, by, table)
      t.ok(by && by.length > 0, `control: there are ${table}`)
    }
  }),
)

t.test('an interface that is renamed while an isolator runs', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    const rename = (from: string, to: string): Promise<string> =>
      ipBatch(host.name, [
        `link set ${from} down`,
        `link set ${from} name ${to}`,
        `link set ${to} up`,
        `route add default via ${REMOTE_IP}`,
      ])
    await ip(host.name, `route add default via ${REMOTE_IP}`)
    for (const followed of [false, true])
      await isolated(topology, async scene => {
        const { isolator, container } = scene
        if (followed) isolator.on('repaired', () => undefined)
        await rename('eth0', 'wan0')
        await works(t, 'renamed', scene)
        await isolator.update('web', { ports: '31000-31003' })
        await works(t, 'and updated', scene)
        await isolator.cleanup('web')
        await isolator.isolate('web', { netns: container.name, ports: '31000-31007' })
        await works(t, 'and isolated', scene)
        await ip(host.name, 'link set wan0 mtu 1400')
        if (followed) await eventually(async () => (await isolator.verify()).length === 0)
        else await isolator.repair()
        await works(t, 'and followed', scene)
        await ip(host.name, 'link set wan0 mtu 1500')
        await rename('wan0', 'eth0')
      })
  }),
)

interface Kind {
  name: string
  /** `ip` lines, those on the remote where they are others. */
  lines: readonly string[]
  remote?: readonly string[]
  dev: string
}

const moved = (dev: string, last: number): string[] => [
  `addr flush dev eth0 scope global`,
  `addr add 10.9.0.${last}/24 dev ${dev}`,
  `link set ${dev} up`,
]
const wayOut = `route replace default via ${REMOTE_IP}`

const KINDS: Readonly<Record<string, Kind>> = {
  bridge: {
    name: 'a bridge',
    lines: ['link add br0 type bridge', 'link set eth0 master br0', ...moved('br0', 2), wayOut],
    dev: 'br0',
  },
  macvlan: {
    name: 'a macvlan',
    // The lower device has to leave ARP for the address to the macvlan, or packets come by the wrong one.
    lines: [
      'link add link eth0 name mv0 type macvlan mode bridge',
      'link set eth0 arp off',
      ...moved('mv0', 2),
      wayOut,
    ],
    dev: 'mv0',
  },
  vlan: {
    name: 'a VLAN',
    lines: ['link add link eth0 name eth0.5 type vlan id 5', ...moved('eth0.5', 2), wayOut],
    remote: ['link add link eth0 name eth0.5 type vlan id 5', ...moved('eth0.5', 1)],
    dev: 'eth0.5',
  },
  bond: {
    name: 'a bond',
    lines: [
      'link add bond0 type bond mode active-backup',
      'link set eth0 down',
      'link set eth0 master bond0',
      ...moved('bond0', 2),
      wayOut,
    ],
    dev: 'bond0',
  },
}

for (const [kind, { name, lines, remote = [], dev }] of Object.entries(KINDS))
  t.test(`${name} as public interface`, allOf(needsIsolation(), hasLink(kind)), t =>
    scene(async topology => {
      const { host } = topology
      await ipBatch(topology.remote.name, [...remote])
      await ipBatch(host.name, [...lines])
      await isolated(topology, scene => works(t, name, scene), { publicInterface: dev })
      await isolated(topology, scene => works(t, `${name}, found by the default route`, scene), {
        publicInterface: undefined,
      })
      if (kind !== 'vlan') return
      await ip(host.name, 'link set eth0.5 type vlan reorder_hdr off')
      await t.rejects(PortMappingIsolator.create({ ...OPTIONS, publicInterface: dev, netns: host.name }), {
        code: 'ERR_INVALID_OPTION',
        message: /a VLAN device with reorder_hdr on .ip link set dev eth0.5 type vlan reorder_hdr on./,
      })
    }),
  )

t.test('addresses', needsIsolation(), t =>
  scene(async topology => {
    const { host } = topology
    const create = (): Promise<PortMappingIsolator> =>
      PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    await ip(host.name, 'addr flush dev eth0 scope global')
    await t.rejects(create(), {
      code: 'ERR_INVALID_OPTION',
      message: /eth0 has no global IPv4 address that containers could share/,
    })
    await ipBatch(host.name, [`addr add ${HOST_IP} peer ${REMOTE_IP} dev eth0`, wayOut])
    await isolated(topology, scene => works(t, 'point to point', scene))
    await ipBatch(host.name, [
      'addr flush dev eth0 scope global',
      `addr add 10.9.0.4/24 dev eth0`,
      `addr add ${HOST_IP}/24 dev eth0`,
      wayOut,
    ])
    await isolated(topology, scene => works(t, 'the first of two', { ...scene, address: '10.9.0.4' }))
    await ip(topology.remote.name, 'addr add 10.8.0.1/24 dev eth0')
    await ip(host.name, 'addr add 10.8.0.2/24 dev eth0')
    const address = '10.8.0.2'
    await isolated(topology, scene => works(t, 'one of another prefix', { ...scene, address }), { address })

    await ip(host.name, 'link set eth0 down')
    await isolated(topology, async scene => {
      const { isolator } = scene
      t.match(await isolator.verify(), [
        { kind: 'different', object: 'ip link set dev eth0 up', foreign: true },
      ])
      isolator.on('repaired', () => undefined)
      await ipBatch(host.name, ['link set eth0 up', wayOut])
      await eventually(async () => (await isolator.verify()).length === 0)
      await works(t, 'down at create(), up later', { ...scene, address: '10.9.0.4' })
    })
  }),
)
