import t, { type Test } from 'tap'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { ip, ipBatch, ipJson, run } from '../helpers/iproute2.js'
import { allOf, hasLink, hasQdisc } from '../helpers/privilege.js'
import { leadThroughIfb, sendMarkedFrames, type Arrivals } from './ifb.js'
import { build, type HostSettings } from './layouts.js'
import type { Built } from './world.js'

const needsIfb = () => allOf(needsIsolation(), hasLink('bridge'), hasLink('ifb'), hasQdisc('htb'))

/**
 * Of each kind to each destination. A quarter of them and more leave with the mark, so that hardly one kind is missed;
 * RTNETLINK_IFB_FRAMES=100 for more.
 */
const EACH = Number(process.env['RTNETLINK_IFB_FRAMES'] ?? 30)
/** Enough for most kinds to arrive where they can. */
const FEWER = 15

async function attacked(t: Test, built: Built, each: number): Promise<Arrivals> {
  const { host, containers } = built.topology
  const c1 = containers[0]!
  const tool = await FrameTool.start()
  try {
    const links = await ipJson<{ ifname: string }>(host.name, 'link show')
    const devices = links
      .map(({ ifname }) => ifname)
      .filter(name => /^(pm|mesos|veth)/.test(name) && !/2$/.test(name))
    const arrivals = await sendMarkedFrames(tool, host, c1, devices, each)
    const total = [...arrivals.frames.values()].reduce((sum, n) => sum + n, 0)
    t.comment(
      `${arrivals.sent} frames sent, ${total} of ${arrivals.frames.size} kinds and destinations enter at ${devices.join(' ')}; ${arrivals.datagrams} datagrams delivered`,
    )
    return arrivals
  } finally {
    await tool.close()
  }
}

async function layout(t: Test, name: 'ours' | 'classic', settings: HostSettings = {}): Promise<Built> {
  const built = await build(name, settings)
  t.teardown(() => built.close())
  await leadThroughIfb(built.topology.containers[0]!)
  return built
}

const VARIANTS: Readonly<Record<string, HostSettings>> = {
  'by default': {},
  "with egressEnforcement: 'host'": { options: { egressEnforcement: 'host' } },
}

for (const [name, settings] of Object.entries(VARIANTS)) {
  t.test(`nothing that an ifb has marked enters the host ${name}`, needsIfb(), async t => {
    const built = await layout(t, 'ours', settings)
    const { host } = built.topology
    const behind = await attacked(t, built, EACH)
    t.strictSame([[...behind.frames], behind.datagrams], [[], 0])
    t.strictSame(
      (await run('bridge', ['-n', host.name, 'fdb', 'show', 'br', 'pmb0']))
        .match(/^.*(?<!permanent)$/gm)
        ?.filter(Boolean) ?? [],
      [],
      'and the bridge has learned nothing',
    )

    await ip(host.name, 'link set pmb0 up')
    const up = await attacked(t, built, FEWER)
    t.strictSame([[...up.frames], up.datagrams], [[], 0], 'nor when somebody sets the bridge up')

    const ports = settings.options ? ['pm1', 'pms1', 'pmt1'] : ['pm1']
    await ipBatch(
      host.name,
      ports.map(dev => `link set ${dev} nomaster`),
    )
    const without = await attacked(t, built, FEWER)
    t.ok(without.frames.size > 600, `without the bridge ${without.frames.size} kinds and destinations arrive`)
    t.ok(without.datagrams > 0, `and ${without.datagrams} datagrams`)
    t.strictSame(
      [...without.devices],
      ['pm1'],
      'at no other device: what its filters have seen has no mark any more',
    )
  })
}

t.test('a positive control: the classic layout', needsIfb(), async t => {
  const arrivals = await attacked(t, await layout(t, 'classic'), FEWER)
  t.ok(arrivals.frames.size > 600, `${arrivals.frames.size} kinds and destinations arrive`)
  t.ok(arrivals.datagrams > 0, `and ${arrivals.datagrams} datagrams`)
})
