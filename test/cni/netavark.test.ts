import { fileURLToPath } from 'node:url'
import t from 'tap'
import { HOST_IP, REMOTE_IP } from '../helpers/topology.js'
import { HOST_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { needsRuntime, runtimeHost, SHARED_HOST, type Ended } from './runtime-host.js'
import { askedBy, INET, INET6, reachesAll } from './runtime-traffic.js'

const PROGRAM = fileURLToPath(new URL('../../cni/lib/netavark-rtnetlink.js', import.meta.url))
const ID = '752947ff91f961eb3cb47ffe9315016979f3ffbec09e4d96a4fae3fb03391697'

/** As podman asks for it: `--opt` makes text of everything. */
const NETWORK = {
  name: 'shared',
  id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9',
  driver: 'rtnetlink',
  network_interface: SHARED_HOST.publicInterface,
  created: '2026-01-01T00:00:00Z',
  subnets: null,
  ipv6_enabled: false,
  internal: false,
  dns_enabled: true,
  ipam_options: {},
  options: {
    ports: SHARED_HOST.ports,
    ephemeralPorts: SHARED_HOST.ephemeralPorts,
    ephemeralPortsPerContainer: '64',
    bloatReduction: 'none',
    ipv6: 'true',
  },
}

const CREATED = {
  ...NETWORK,
  dns_enabled: false,
  ipam_options: { driver: 'none' },
  options: { hostSockets: 'ignore', ...NETWORK.options },
}

const mapping = (port: number, range: number, others: object = {}) => ({
  container_port: port,
  host_port: port,
  host_ip: '',
  protocol: 'tcp,udp',
  range,
  ...others,
})

const execOf = (id: string, mappings: readonly object[] | null, options: object = {}) => ({
  container_id: id,
  container_name: `name-${id}`,
  port_mappings: mappings,
  network: CREATED,
  network_options: { aliases: [id], interface_name: 'eth0', ...options },
})

t.test('netavark-rtnetlink', needsRuntime(), async t => {
  const machine = await runtimeHost(t, { ipv6: true })
  const { remote, host, ids, outside, rootfs } = machine
  const call = async (args: readonly string[], input?: unknown): Promise<Ended & { answer: unknown }> => {
    const ended = await machine.attempt([process.execPath, PROGRAM, ...args], {
      input: JSON.stringify(input),
    })
    return { ...ended, answer: ended.output === '' ? undefined : (JSON.parse(ended.output) as unknown) }
  }

  t.test('info', async t => {
    for (const args of [[], ['info']])
      t.match(await call(args), { status: 0, answer: { version: /^\d+\.\d+\.\d+/, api_version: '1.0.0' } })
  })

  t.test('create', async t => {
    const { subnets: _subnets, ...created } = CREATED
    const { status, answer } = await call(['create'], NETWORK)
    t.equal(status, 0)
    t.strictSame(answer, created)
  })

  const refused: Record<string, [network: object, error: RegExp]> = {
    'a subnet': [{ subnets: [{ subnet: '10.0.0.0/16' }] }, /^--subnet means nothing here: /],
    IPv6: [{ ipv6_enabled: true }, /--opt ipv6=true gives containers the host's IPv6 addresses/],
    'an unknown option': [{ options: { ...NETWORK.options, port: '80' } }, /port/],
    'a malformed option': [{ options: { ...NETWORK.options, ephemeralPortsPerContainer: 'few' } }, /'few'/],
  }
  for (const [name, [network, error]] of Object.entries(refused))
    t.test(`create refuses ${name}`, async t => {
      t.match(await call(['create'], { ...NETWORK, ...network }), { status: 1, answer: { error } })
    })

  for (const name of ['c1', 'c2']) await machine.run(['ip', 'netns', 'add', name])
  const [c1, c2] = ['c1', 'c2'].map(name => ({ name, path: outside(`/run/netns/${name}`) })) as [
    typeof host,
    typeof host,
  ]

  t.test('setup', async t => {
    const { status, answer, output } = await call(['setup', '/run/netns/c1'], execOf(ID, [mapping(31000, 4)]))
    t.equal(status, 0, output)
    t.strictSame(answer, {
      dns_search_domains: [],
      dns_server_ips: [],
      interfaces: {
        eth0: {
          mac_address: '02:00:0a:09:00:02',
          subnets: [
            { ipnet: `${HOST_IP}/24`, gateway: REMOTE_IP },
            { ipnet: `${HOST_IP6}/128`, gateway: REMOTE_LINK_LOCAL },
          ],
        },
      },
    })
    await call(['setup', '/run/netns/c2'], execOf('other', null, { static_ips: [HOST_IP, HOST_IP6] }))
    t.strictSame(await ids(), ['shared:other', `shared:${ID}`].sort())
    // No process of podman's is there: a server is started by hand.
    machine.start(['nsenter', '--net=/run/netns/c1', 'chroot', rootfs, '/serve', '31000'])
    for (const family of [INET, INET6])
      await reachesAll(t, { container: c1, tcp: 31000, udp: 31003 }, { remote, host, other: c2 }, family)
  })

  const refusedContainers: Record<string, [exec: object, error: RegExp]> = {
    'another port inside': [
      execOf('x', [mapping(31100, 1, { container_port: 80 })]),
      /31100 and .*80 differ/,
    ],
    'ports beyond the last': [execOf('x', [mapping(65535, 2)]), /expected ports up to 65535/],
    'an address': [execOf('x', null, { static_ips: ['10.88.0.50'] }), /10\.88\.0\.50 cannot be had/],
    'a MAC': [execOf('x', null, { static_mac: 'aa:bb:cc:dd:aa:00' }), /the MAC "aa:bb:.*" cannot be had/],
    'an option of the container': [execOf('x', null, { options: { mode: 'x' } }), /no option 'mode'/],
  }
  for (const [name, [exec, error]] of Object.entries(refusedContainers))
    t.test(`setup refuses ${name}`, async t => {
      t.match(await call(['setup', '/run/netns/c2'], exec), { status: 1, answer: { error } })
    })

  t.test('what no call of netavark is', async t => {
    t.match(await call(['update']), { status: 1, answer: { error: /unknown subcommand: 'update'/ } })
    t.match(await call(['setup'], {}), { status: 1, answer: { error: /needs the path/ } })
    t.match(await call(['setup', '/run/netns/c2'], []), { status: 1, answer: { error: /is no object/ } })
    const withoutId = { ...execOf('x', null), container_id: 7 }
    const error = /container_id is 7: expected text/
    t.match(await call(['teardown', '/run/netns/c2'], withoutId), { status: 1, answer: { error } })
  })

  t.test('teardown, twice', async t => {
    t.equal(await askedBy(remote, HOST_IP, 31000), REMOTE_IP)
    for (let i = 0; i < 2; i++)
      t.match(await call(['teardown', '/run/netns/c1'], execOf(ID, [mapping(31000, 4)])), {
        status: 0,
        answer: undefined,
      })
    t.match(await call(['teardown', '/run/netns/c2'], execOf('other', null)), { status: 0 })
  })

  t.test('nothing is left', async t => {
    for (const name of ['c1', 'c2']) await machine.run(['ip', 'netns', 'del', name])
    await machine.isClear(t)
  })
})
