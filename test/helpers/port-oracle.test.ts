import t from 'tap'
import { FrameTool } from './frame-tool.js'
import { ipBatch, tc, tcBatch } from './iproute2.js'
import { IPPROTO_UDP } from './packets.js'
import { HOST, NOBODY, PortOracle, type Variant } from './port-oracle.js'
import { allOf, canCreateNamespaces, hasAction, hasFilter, hasLink } from './privilege.js'
import { createTopology, type Topology } from './topology.js'

const WIRE: Variant = { name: 'wire', via: 'wire', protocol: IPPROTO_UDP }
const LO: Variant = { name: 'lo', via: 'lo', protocol: IPPROTO_UDP }

/** One u32 filter on the destination port, which it looks for where it is without IP options. */
function steer(device: string, handle: string, port: string, action: string): string {
  return (
    `filter add dev ${device} ingress prio 1 protocol ip handle ${handle} u32 ` +
    `match u16 ${port} at 22 action mirred egress ${action}`
  )
}

/** c1 owns 0x4000-0x7fff, c2 owns 0x8000-0x80ff, the host the rest; from the wire and over lo. */
async function steerTwoContainers({ host, containers }: Topology): Promise<void> {
  for (const [i, { name }] of containers.entries()) {
    await ipBatch(host.name, [
      `link add v${i + 1} type veth peer name eth0 netns ${name}`,
      `link set v${i + 1} up`,
    ])
    await ipBatch(name, ['link set eth0 up'])
  }
  await tcBatch(
    host.name,
    ['eth0', 'lo'].flatMap(device => [
      `qdisc add dev ${device} ingress`,
      steer(device, '::1', '0x4000 0xc000', 'redirect dev v1'),
      steer(device, '::2', '0x8000 0xff00', 'redirect dev v2'),
    ]),
  )
}

function twoOwners(): Uint16Array {
  return new Uint16Array(65536).fill(HOST).fill(0, 0x4000, 0x8000).fill(1, 0x8000, 0x8100)
}

const needs = allOf(canCreateNamespaces(), hasLink('veth'), hasFilter('u32'), hasAction('mirred'))

t.test('the port oracle', needs, async t => {
  const topology = await createTopology()
  t.teardown(() => topology.close())
  await steerTwoContainers(topology)
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const oracle = await PortOracle.open(tool, topology)
  const filter = (line: string): Promise<string> => tc(topology.host.name, `filter ${line}`)

  await t.test('finds every port delivered', async t => {
    for (const verdict of await oracle.checkAll([WIRE, LO], twoOwners())) {
      t.match(verdict, { sent: 65536, delivered: 65536, wrong: 0, duplicates: 0, lost: 0, examples: [] })
    }
  })

  await t.test('reports a port that arrives at another place than its owner', async t => {
    const owners = twoOwners().fill(1, 0x4000, 0x4001).fill(HOST, 0x8000, 0x8001).fill(1, 9, 10)
    t.match(await oracle.check(WIRE, owners), { delivered: 65533, wrong: 3, duplicates: 0, lost: 0 })
  })

  await t.test('reports a missing filter', async t => {
    await filter('del dev lo ingress prio 1 protocol ip handle 800::2 u32')
    const verdict = await oracle.check(LO, twoOwners())
    t.match(verdict, { delivered: 65280, wrong: 256, duplicates: 0, lost: 0 })
    t.equal(verdict.examples[0], `port 32768 of ${topology.containers[1]?.name} arrived at the host`)
  })

  await t.test('reports copies', async t => {
    await tcBatch(topology.host.name, [steer('eth0', '::3', '0x0100 0xff00', 'mirror dev v2')])
    t.match(await oracle.check(WIRE, twoOwners()), { duplicates: 256, lost: 0 })
    await filter('del dev eth0 ingress prio 1 protocol ip handle 800::3 u32')
  })

  await t.test('reports what is lost, unless it belongs to nobody', async t => {
    await ipBatch(topology.host.name, ['link set v2 down'])
    t.match(await oracle.check(WIRE, twoOwners()), { delivered: 65280, wrong: 0, lost: 256 })
    const owners = twoOwners().fill(NOBODY, 0x8000, 0x8100)
    t.match(await oracle.check(WIRE, owners), { delivered: 65536, wrong: 0, lost: 0 })
  })

  await t.rejects(oracle.check(WIRE, new Uint16Array(1024)), RangeError)
})
