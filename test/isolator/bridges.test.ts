/** The bridges that drop what filters do not see: made, looked after, found again and taken away. */
import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NETNS_RUN_DIR } from '../../src/netns/named.js'
import { ip, ipBatch, ipJson } from '../helpers/iproute2.js'
import { allOf, hasLink } from '../helpers/privilege.js'
import { createTopology, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology, twoContainers } from './isolated-topology.js'

const needsBridges = () => allOf(needsIsolation(), hasLink('bridge'))

interface Port {
  ifname: string
  master?: string
  flags: string[]
  linkinfo: {
    info_kind: string
    info_slave_data?: { group_fwd_mask: string; locked: boolean; learning: boolean }
  }
}

const linksOf = (host: NamespaceRef): Promise<Port[]> => ipJson<Port>(host.name, '-d link show')

async function ports(host: NamespaceRef): Promise<string[]> {
  const links = (await linksOf(host)).filter(({ ifname }) => /^pm[bst]?\d/.test(ifname))
  return links
    .map(({ ifname, master, flags, linkinfo: { info_slave_data: port } }) =>
      [ifname, flags.includes('UP') ? 'up' : 'down', ...(master ? [master, port?.group_fwd_mask] : [])].join(
        ' ',
      ),
    )
    .sort()
}

const SOUND = ['pm1 up pmb0 0xfffd', 'pm2 up pmb0 0xfffd', 'pmb0 down']

t.test('every device of a container is a port of a bridge that is down', needsBridges(), async t => {
  const { host, isolator } = await twoContainers(t)
  t.strictSame(await ports(host), SOUND)
  for (const { linkinfo } of (await linksOf(host)).filter(({ master }) => master))
    t.match(linkinfo.info_slave_data, { locked: true, learning: false })
  t.strictSame(await isolator.verify(), [])
  t.match(isolator.explain().join('\n'), /link add name pmb0 .*type bridge/)
  t.match(isolator.explain('web-1').join('\n'), /link add name pm1 .* master pmb0 type veth/)
  await isolator.destroy()
  t.strictSame(await ports(host), [], 'and goes with destroy()')
})

t.test('the shaper too', needsBridges(), async t => {
  const { host, isolator } = await twoContainers(t, { egressEnforcement: 'host' })
  const of = (slot: number) => ['pm', 'pms', 'pmt'].map(prefix => `${prefix}${slot} up pmb0 0xfffd`)
  t.strictSame(await ports(host), [...of(1), ...of(2), 'pmb0 down'].sort())
  t.strictSame(await isolator.verify(), [])
})

const DAMAGE: Readonly<Record<string, { lines: string[]; found: RegExp }>> = {
  'a port that left its bridge': { lines: ['link set pm1 nomaster'], found: /dev pm1 nomaster/ },
  'a port of another bridge': {
    lines: ['link add br9 type bridge', 'link set pm1 master br9'],
    found: /dev pm1 master br9/,
  },
  'a bridge that is up': { lines: ['link set pmb0 up'], found: /dev pmb0 up/ },
  'a wrong mask': {
    lines: ['link set pm1 type bridge_slave group_fwd_mask 65528'],
    found: /group_fwd_mask 65528/,
  },
  'a port that learns': {
    lines: ['link set pm2 type bridge_slave learning on locked off'],
    found: /learning on locked off/,
  },
  'a bridge that is missing': { lines: ['link del pmb0'], found: /^$/ },
}

t.test('what somebody has done to them is told of and put right', needsBridges(), async t => {
  const { host, isolator } = await twoContainers(t)
  for (const [name, { lines, found }] of Object.entries(DAMAGE)) {
    await ipBatch(host.name, lines)
    const differences = await isolator.verify()
    t.ok(
      differences.some(difference => !difference.foreign && found.test(difference.found ?? '')),
      `${name}: ${JSON.stringify(differences)}`,
    )
    const { left } = await isolator.repair()
    t.strictSame(left, [], name)
    t.strictSame(await ports(host), SOUND, name)
    await ip(host.name, 'link del br9').catch(() => undefined)
  }
})

t.test("what has the name of one and is somebody else's", needsBridges(), async t => {
  await using topology = await createTopology({ containers: 1, prefix: 'i' })
  const { host } = topology
  const create = () => PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  for (const [kind, spec] of [
    ['not a bridge', 'link add pmb0 type veth peer name x'],
    ['a bridge of somebody else', 'link add pmb0 type bridge'],
  ] as const) {
    await ip(host.name, spec)
    await t.rejects(create(), { code: 'ERR_FOREIGN_STATE', message: new RegExp(`pmb0 .*${kind}`) })
    await ip(host.name, 'link del pmb0')
  }
  const isolator = await create()
  await isolator.destroy()
})

t.test('after a restart', needsBridges(), async t => {
  const { host, isolator } = await twoContainers(t)
  await isolator.close()
  // As a version without bridges left it.
  await ip(host.name, 'link del pmb0')
  const next = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.teardown(() => next.destroy())
  await next.recover(['web-1', 'web-2'])
  t.strictSame(await ports(host), SOUND)
  t.strictSame(await next.verify(), [])
})

t.test(
  'further bridges when the first is full, and one that is gone is made again',
  needsBridges(),
  async t => {
    const { host, isolator, topology } = await preparedTopology(t)
    // Names that others have are passed over.
    const taken = Array.from({ length: 339 }, (_, i) => `${NETNS_RUN_DIR}/pm${i + 1}`)
    for (const path of taken) writeFileSync(path, '')
    t.teardown(() => taken.forEach(path => rmSync(path, { force: true })))
    const isolate = async (i: number) =>
      isolator.isolate(`web-${i}`, { netns: topology.containers[i]!.name, ports: [[31_000 + i, 31_000 + i]] })
    t.equal((await isolate(0)).slot, 340)
    await ip(host.name, 'link del pmb0')
    t.equal((await isolate(1)).slot, 341)
    t.strictSame(await ports(host), ['pm340 up', 'pm341 up pmb1 0xfffd', 'pmb1 down'])
    t.equal((await isolator.repair()).left.length, 0)
    t.strictSame(await isolator.verify(), [])
    t.match(isolator.explain().join('\n'), /link add name pmb1 .*type bridge/)
    await isolator.destroy()
    t.strictSame(await ports(host), [])
  },
)

t.test('a port with a wrong mask, after a restart', needsBridges(), async t => {
  const { host, isolator } = await twoContainers(t)
  await isolator.close()
  await ip(host.name, 'link set pm1 type bridge_slave group_fwd_mask 0')
  const next = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.teardown(() => next.destroy())
  await next.recover(['web-1', 'web-2'])
  t.strictSame(await ports(host), SOUND)
})
