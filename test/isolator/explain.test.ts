import t, { type Test } from 'tap'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ip, run, runIn } from '../helpers/iproute2.js'
import { settled } from '../helpers/leaks.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, type Topology } from '../helpers/topology.js'
import { HOST_LINES } from './inet6-topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from './isolated-topology.js'
import { comparableState, settleLoopback } from './kernel-state.js'

const PORTS = '31000-31006,31500'

async function emptyTopology(t: Test, hostLines: readonly string[] = []): Promise<Topology> {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  await ip(topology.host.name, 'addr add 10.9.0.7/24 dev eth0')
  for (const line of hostLines) await ip(topology.host.name, line)
  await runIn(topology.host.path, 'sysctl', '-qw', `${RESERVED}=${OTHERS_RESERVED}`)
  return topology
}

const RESERVED = 'net.ipv4.ip_local_reserved_ports'
const OTHERS_RESERVED = '31600-32100,40000'

const comparable = ({ host, containers }: Topology): Promise<string[]> =>
  settled(async () => [
    ...(await comparableState([host, ...containers])),
    await runIn(host.path, 'sysctl', RESERVED),
  ])

const VARIANTS = [
  [{}, []],
  [{ ipv6: true }, HOST_LINES],
] as const

for (const [options, hostLines] of VARIANTS)
  t.test(`the lines of explain() make the same: ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const [ours, theirs] = [await emptyTopology(t, hostLines), await emptyTopology(t, hostLines)]
    const same = async (what: string, state: string[]): Promise<void> => {
      const made = await comparable(theirs)
      state.forEach((text, i) => t.strictSame(made[i]?.split('\n'), text.split('\n'), what))
    }
    const shell = (lines: string[]): Promise<string> => {
      const elsewhere = lines.map(line =>
        line.replaceAll(ours.host.name.slice(0, -1), theirs.host.name.slice(0, -1)),
      )
      return run('bash', ['-e'], elsewhere.join('\n'))
    }

    const isolator = await PortMappingIsolator.create({
      ...OPTIONS,
      netns: ours.host.name,
      reserveHostPorts: true,
      ...options,
    })
    const linesOfHost = isolator.explain()
    const hostState = await comparable(ours)
    const { link } = await isolator.isolate('web-1', { netns: ours.containers[0]!.name, ports: PORTS })
    const lines = isolator.explain('web-1')
    const state = await comparable(ours)
    // Its names in /run/netns are needed for the other.
    await isolator.destroy()

    t.equal(
      lines.every(line => /^(ip|tc|mkdir) /.test(line)),
      true,
      'one command per line',
    )
    await shell(linesOfHost)
    await same('the host', hostState)
    t.teardown(() => run('ip', ['netns', 'delete', link]))
    const [name = '', id = '', ...rest] = lines
    await shell([name, id])
    // It has two names in /run/netns, of which ip tells the one that the folder lists first.
    t.match(
      await run('ip', ['-n', theirs.host.name, 'netns', 'list-id']),
      new RegExp(`netns name: (${link}|${theirs.containers[0]!.name})\\)`),
      'the host knows the namespace, as recover() expects',
    )
    await shell(rest)
    await same('host and container', state)

    await using server = await tcpEcho(theirs.containers[0]!, '0.0.0.0', 31_500)
    t.equal(await tcpConnect(theirs.remote, HOST_IP, server.port, PATIENTLY), 'connected', 'and it works')
  })

t.test('sysctls of the host', needsIsolation(), async t => {
  const { host } = await emptyTopology(t)
  const sysctlsFor = async (options: Partial<PortMappingIsolatorOptions>): Promise<string[]> => {
    const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
    const lines = isolator.explain().filter(line => /ip_local_reserved_ports|netdev_max_backlog/.test(line))
    await isolator.destroy()
    return lines
  }
  t.strictSame(await sysctlsFor({}), [], 'none is set that was not asked for')
  t.strictSame(await sysctlsFor({ reserveHostPorts: true }), [
    `ip netns exec ${host.name} sysctl -qw ${RESERVED}='20480-28671,31000-32100,40000'`,
  ])
})
