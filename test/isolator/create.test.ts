import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { ip, tcBatch } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, type Topology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from './isolated-topology.js'
import { changesNothing, filtersOf, settleLoopback } from './kernel-state.js'

async function hostOf(t: Test, containers = 0): Promise<Topology> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  return topology
}

const create = (
  { host }: Topology,
  options: Partial<PortMappingIsolatorOptions> = {},
): Promise<PortMappingIsolator> => PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })

const createAndClose = async (topology: Topology): Promise<void> => (await create(topology)).close()
const createAndDestroy = async (topology: Topology): Promise<void> => (await create(topology)).destroy()

t.test('what create() refuses, before it touches the kernel', needsIsolation(), async t => {
  const topology = await hostOf(t)
  await ip(topology.host.name, 'link add bare type veth peer name bare1')
  const refusals: [options: object, code: string, message: string][] = [
    [
      { ports: '31000-30000' },
      'ERR_INVALID_OPTION',
      "ports: '31000-30000' runs backwards, and ranges do not wrap around",
    ],
    [
      { ports: 31000 },
      'ERR_INVALID_OPTION',
      "ports is 31000: expected ranges such as '31000-32000,33000', or PortRanges, or pairs such as [[31000, 32000], [33000, 33000]]",
    ],
    [
      { ephemeralPorts: undefined },
      'ERR_INVALID_OPTION',
      "ephemeralPorts is missing: expected ranges such as '31000-32000,33000', or PortRanges, or pairs such as [[31000, 32000], [33000, 33000]]",
    ],
    [
      { ephemeralPorts: '20000-70000' },
      'ERR_INVALID_OPTION',
      "ephemeralPorts: '20000-70000' is not within 0 to 65535",
    ],
    [
      { ephemeralPorts: '' },
      'ERR_INVALID_OPTION',
      "ephemeralPorts is empty: expected ranges such as '32768-57344'",
    ],
    [
      { ephemeralPorts: '20480-21000' },
      'ERR_INVALID_OPTION',
      'ephemeralPorts 20480-21000 has no room for one container with 1024 ports in a row: widen it, begin it at a multiple of 1024, or lower ephemeralPortsPerContainer',
    ],
    [
      { ephemeralPortsPerContainer: 7 },
      'ERR_INVALID_OPTION',
      'ephemeralPortsPerContainer is 7: expected a whole number from 8 to 65536',
    ],
    [
      { ephemeralPortsPerContainer: '1024' },
      'ERR_INVALID_OPTION',
      "ephemeralPortsPerContainer is '1024': expected a whole number from 8 to 65536",
    ],
    [{ neighbours: 'all' }, 'ERR_INVALID_OPTION', "neighbours is 'all': expected one of 'prefix', 'gateway'"],
    [{ egressLimit: 5 }, 'ERR_INVALID_OPTION', "unknown 'egressLimit', did you mean 'egressCeilLimit'?"],
    [
      { publicInterface: 'eth7' },
      'ERR_INVALID_OPTION',
      "publicInterface is 'eth7': expected the name of an interface of the host namespace",
    ],
    [
      { publicInterface: 'eth 0' },
      'ERR_INVALID_OPTION',
      "publicInterface is 'eth 0': expected the name of an interface, 1 to 15 characters without space, colon and slash",
    ],
    [
      { publicInterface: 'lo' },
      'ERR_INVALID_OPTION',
      "publicInterface is 'lo': expected an Ethernet device, whose MAC address containers take, not one of type loopback",
    ],
    [
      { loopbackInterface: 'lo7' },
      'ERR_INVALID_OPTION',
      "loopbackInterface is 'lo7': expected the name of an interface of the host namespace",
    ],
    [
      { loopbackInterface: 'eth0' },
      'ERR_INVALID_OPTION',
      "loopbackInterface is 'eth0': expected a loopback device, not one of type ether",
    ],
    [
      { address: '10.9.0.7' },
      'ERR_INVALID_OPTION',
      "address is '10.9.0.7': expected an IPv4 address of eth0, which has 10.9.0.2",
    ],
    [
      { publicInterface: 'bare' },
      'ERR_INVALID_OPTION',
      "bare has no global IPv4 address that containers could share: 'address', expected an IPv4 address of bare, which has none",
    ],
    [
      { address: '::1' },
      'ERR_INVALID_OPTION',
      "address is '::1': expected an IPv4 address such as '10.9.0.2' (those of IPv6 are 'addresses6')",
    ],
    [
      { netns: '' },
      'ERR_INVALID_OPTION',
      "netns is '': expected a path or a name in /run/netns, or a whole number from 1 to 2147483647 (the pid of a process in it), or an open NetworkNamespace",
    ],
    [
      { ports: '21000-31000' },
      'ERR_PORTS_OVERLAP',
      'ephemeralPorts 20480-28671 and ports 21000-31000 have 21000-28671 in common: they must be disjoint',
    ],
    [
      { ports: '80,31000' },
      'ERR_PORTS_OVERLAP',
      'ports 80,31000 and the well-known ports 0-1023 have 80 in common: they must be disjoint',
    ],
    [
      { ports: '31000-33000' },
      'ERR_PORTS_OVERLAP',
      `The managed ports 20480-28671,31000-33000 and the host's ephemeral ports 32768-60999 have 32768-33000 in common: run \`sysctl -w net.ipv4.ip_local_port_range="33002 60999"\` (and keep it in /etc/sysctl.d)`,
    ],
    [
      { ephemeralPorts: '32768-57344' },
      'ERR_PORTS_OVERLAP',
      `The managed ports 31000-31999,32768-57344 and the host's ephemeral ports 32768-60999 have 32768-57344 in common: run \`sysctl -w net.ipv4.ip_local_port_range="57346 60999"\` (and keep it in /etc/sysctl.d)`,
    ],
  ]
  await changesNothing(t, [topology.host], async () => {
    for (const [options, code, message] of refusals) {
      await t.rejects(
        create(topology, options),
        { name: 'IsolatorError', code, message },
        JSON.stringify(options),
      )
    }
    for (const options of [undefined, null, 'eth0'])
      await t.rejects(PortMappingIsolator.create(options as never), { code: 'ERR_INVALID_OPTION' })
    await t.rejects(create(topology, { netns: 'no-such-namespace' }), {
      code: 'ERR_INVALID_OPTION',
      message: /'no-such-namespace'/,
    })
  })
  await t.resolves(createAndDestroy(topology), 'the options without a fault')
})

t.test('destroy() leaves the host as create() found it', needsIsolation(), async t => {
  const topology = await hostOf(t, 1)
  await ip(topology.host.name, 'link set lo mtu 4000')
  await changesNothing(t, [topology.host], () => createAndDestroy(topology))
  await changesNothing(t, [topology.host], async () => {
    const isolator = await create(topology)
    await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: '31000' })
    await isolator.destroy()
  })
})

t.test('create() after close() finds the host prepared', needsIsolation(), async t => {
  const topology = await hostOf(t)
  await createAndClose(topology)
  await changesNothing(t, [topology.host], () => createAndClose(topology))
})

t.test('destroy() restores what an earlier create() changed', needsIsolation(), async t => {
  const topology = await hostOf(t)
  await changesNothing(t, [topology.host], async () => {
    await createAndClose(topology)
    await createAndDestroy(topology)
  })
})

t.test('create() completes what a crash left', needsIsolation(), async t => {
  const topology = await hostOf(t, 1)
  const { host, remote } = topology
  await createAndClose(topology)
  const complete = await filtersOf(host)
  const lacks: Record<string, string[]> = {
    'a node': ['filter del dev eth0 ingress prio 1020 protocol ip handle 1:5:800 u32'],
    'the martian drop': ['filter del dev eth0 ingress prio 1000'],
    'the priorities behind steering': [
      'filter del dev eth0 ingress prio 64000',
      'filter del dev eth0 ingress prio 64001',
    ],
    roots: [
      'filter del dev lo ingress prio 1020 protocol ip handle 800::1 u32',
      'filter del dev eth0 ingress prio 1010 protocol arp',
    ],
    'the qdisc of one': ['qdisc del dev lo ingress'],
    'both qdiscs': ['qdisc del dev lo ingress', 'qdisc del dev eth0 ingress'],
  }
  for (const [what, lines] of Object.entries(lacks)) {
    await tcBatch(host.name, lines)
    t.notSame(await filtersOf(host), complete, `without ${what}`)
    await createAndClose(topology)
    t.strictSame(await filtersOf(host), complete, what)
  }
  const isolator = await create(topology)
  const container = topology.containers[0]!
  await isolator.isolate('web-1', { netns: container.name, ports: '31000' })
  await using server = await tcpEcho(container, '0.0.0.0', 31_000)
  t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
  await isolator.destroy()
})

t.test('what is in the way is named and left alone', needsIsolation(), async t => {
  const inTheWay: Record<string, { lines: string[]; message: RegExp }> = {
    'a filter of another kind on a handle': {
      lines: ["filter add dev eth0 ingress prio 1000 protocol all handle 1 bpf da bytecode '1,6 0 0 0'"],
      message: /eth0/,
    },
    'another filter in a priority of ours': {
      lines: ["filter add dev eth0 ingress prio 1000 protocol all handle 7 bpf da bytecode '1,6 0 0 0'"],
      message: /eth0/,
    },
    'another protocol in a priority of ours': {
      lines: ['filter add dev eth0 ingress prio 1020 protocol ipv6 u32 match u32 0 0'],
      message: /eth0/,
    },
    'a u32 table of ours in a priority of another': {
      lines: ['filter add dev eth0 ingress prio 5 protocol ip handle 13f: u32 divisor 1'],
      message: /13f:/,
    },
    'the same on lo, which is done first': {
      lines: ['filter add dev lo ingress prio 5 protocol ip handle 8: u32 divisor 1'],
      message: /8:/,
    },
  }
  for (const [what, { lines, message }] of Object.entries(inTheWay)) {
    await t.test(what, async t => {
      const topology = await hostOf(t)
      const dev = lines[0]!.split(' ')[3]!
      await tcBatch(topology.host.name, [`qdisc add dev ${dev} clsact`, ...lines])
      await changesNothing(t, [topology.host], async () => {
        await t.rejects(create(topology), { code: 'ERR_FOREIGN_STATE', message })
      })
    })
  }

  await t.test("somebody's alias on lo", async t => {
    const topology = await hostOf(t)
    await ip(topology.host.name, 'link set lo alias mine')
    await changesNothing(t, [topology.host], async () => {
      await t.rejects(create(topology), { code: 'ERR_FOREIGN_STATE', message: /mine/ })
    })
  })

  await t.test('a skeleton for another address', async t => {
    const topology = await hostOf(t)
    await ip(topology.host.name, 'addr add 10.9.0.3/24 dev eth0')
    await createAndClose(topology)
    await changesNothing(t, [topology.host], async () => {
      await t.rejects(create(topology, { address: '10.9.0.3' }), {
        code: 'ERR_FOREIGN_STATE',
        message: /lo has a filter .*0a090002.*0a090003/s,
      })
    })
  })
})

t.test('a qdisc that was there is shared', needsIsolation(), async t => {
  for (const kind of ['ingress', 'clsact']) {
    await t.test(kind, async t => {
      const topology = await hostOf(t, 1)
      const { host, remote, containers } = topology
      const foreign = (dev: string) => [
        `qdisc add dev ${dev} ${kind}`,
        `filter add dev ${dev} ingress prio 5 protocol ip u32 match ip dst 10.9.0.99/32 action drop`,
        `filter add dev ${dev} ingress prio 5 protocol ip handle 300: u32 divisor 16`,
        `filter add dev ${dev} ingress prio 60000 protocol ip u32 match ip dst 10.9.0.98/32 action mirred egress redirect dev lo`,
      ]
      await tcBatch(
        host.name,
        [...foreign('eth0'), ...foreign('lo')].map(line => line.replace(' action drop', '')),
      )
      await changesNothing(t, [host], async () => {
        const isolator = await create(topology)
        const { link } = await isolator.isolate('web-1', { netns: containers[0]!.name, ports: '31000' })
        await using server = await tcpEcho(containers[0]!, '0.0.0.0', 31_000)
        t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
        await isolator.close()
        await createAndClose(topology)
        const again = await create(topology)
        // What an isolator that is closed leaves up: the link, and the name of the namespace.
        await ip(host.name, `link del ${link}`)
        await NetworkNamespace.deleteName(link)
        await again.destroy()
      })
    })
  }
})

t.test('a shared qdisc that has gone when create() comes again is ours then', needsIsolation(), async t => {
  const topology = await hostOf(t)
  const { host } = topology
  await changesNothing(t, [host], async () => {
    await tcBatch(host.name, ['qdisc add dev eth0 clsact'])
    await createAndClose(topology)
    await tcBatch(host.name, ['qdisc del dev eth0 clsact'])
    await createAndDestroy(topology)
  })
})
