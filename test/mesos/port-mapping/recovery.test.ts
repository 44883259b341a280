/**
 * The scenarios of Mesos's src/tests/containerizer/port_mapping_tests.cpp by its names, here those in which the agent is
 * started again.
 */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { ip, ipJson, tcJson } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation } from '../../isolator/isolated-topology.js'
import { filtersOf } from '../../isolator/kernel-state.js'
import { agent, CONTAINER1_PORTS, CONTAINER2_PORTS } from './containers.js'
import { BLOAT_REDUCTION, egressRate, ingressRate } from './limits.js'

t.test('Upgrade', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const { topology, host, start } = await agent(t)
  const [namespace] = topology.containers as [NamespaceRef]
  const first = await start()
  const info = await first.isolate('container1', { netns: namespace.name, cpus: 1 })
  const container = { ...namespace, info }
  const rates = async () => [await egressRate(container), await ingressRate(host, container)]
  t.strictSame(await rates(), [undefined, undefined])

  const RATE = 1000
  /** Starts with these options, recovers, and updates, as the agent does when an executor is there again. */
  const upgrade = async (options: Parameters<typeof start>[0]) => {
    const isolator = await start({ ...options, ...BLOAT_REDUCTION })
    t.match(await isolator.recover(['container1']), { recovered: ['container1'] })
    await isolator.update('container1', { cpus: 1 })
    return rates()
  }
  const limited = {
    ...{ egressRateLimitPerContainer: RATE, minimumEgressRateLimit: 0 },
    ...{ ingressRateLimitPerContainer: RATE, minimumIngressRateLimit: 0 },
  }
  const spared = { ...limited, ingressIsolateExistingContainers: false }
  t.strictSame(await upgrade(spared), [RATE, undefined], 'limits on; of existing ones only egress')
  t.strictSame(await upgrade(limited), [RATE, RATE])
  t.strictSame(await upgrade({}), [undefined, undefined], 'limits off')
})

t.test('RecoverMixedContainers', needsIsolation(), async t => {
  const { topology, start } = await agent(t)
  const [outside, inside] = topology.containers as [NamespaceRef, NamespaceRef]
  // One that runs without the isolator, in a network of its own.
  await ip(outside.name, 'link add own0 type veth peer name own1')

  const first = await start()
  await first.isolate('inside', { netns: inside.name, ports: CONTAINER1_PORTS })
  const second = await start()
  t.strictSame(await second.recover(['outside', 'inside']), {
    recovered: ['inside'],
    orphans: [],
    unknown: [],
    cleaned: [],
    missing: ['outside'],
  })
  t.match(await second.usage('inside'), { net_rx_packets: Number, net_tx_packets: Number })
  t.match(await second.update('inside', { ports: CONTAINER1_PORTS }), { id: 'inside' })
  await t.rejects(second.usage('outside'), { code: 'ERR_CONTAINER_UNKNOWN' }, 'none of ours')
  t.equal(await second.cleanup('outside'), false, 'nothing to clean up')
  t.strictSame(
    (await ipJson<{ ifname: string }>(outside.name, 'link show')).map(({ ifname }) => ifname),
    ['lo', 'own1', 'own0'],
  )
})

interface Left {
  links: string[]
  handles: string[]
  filters: string[]
}

/** What of containers is on the host: links, handles, and filters beyond those that `create()` makes. */
async function leftOf(host: NamespaceRef, skeleton: string[]): Promise<Left> {
  const links = await ipJson<{ ifname: string }>(host.name, 'link show')
  return {
    links: links.map(({ ifname }) => ifname).filter(name => /^pm\d/.test(name)),
    handles: readdirSync('/run/netns').filter(name => /^pm\d/.test(name)),
    filters: (await filtersOf(host)).filter(text => !skeleton.includes(text)),
  }
}

const NOTHING: Left = { links: [], handles: [], filters: [] }

t.test('CleanUpOrphan', needsIsolation(), async t => {
  const { topology, host, start } = await agent(t)
  const [container] = topology.containers as [NamespaceRef]
  const first = await start()
  const skeleton = await filtersOf(host)
  const { link } = await first.isolate('container1', { netns: container.name, ports: CONTAINER1_PORTS })
  const made = await leftOf(host, skeleton)
  t.match(made, { links: [link], handles: [link] })
  t.ok(made.filters.length > 0, `${made.filters.length} filters`)

  const second = await start()
  t.match(await second.recover([], { unknown: 'remove' }), { cleaned: ['container1'] })
  t.strictSame(await leftOf(host, skeleton), NOTHING)
  for (const dev of ['eth0', 'lo']) {
    const qdiscs = await tcJson<{ kind: string }>(host.name, `qdisc show dev ${dev}`)
    t.ok(
      qdiscs.some(({ kind }) => kind === 'ingress' || kind === 'clsact'),
      `${dev} has its qdisc still`,
    )
  }
})

t.test('RecoverMixedKnownAndUnKnownOrphans', needsIsolation(), async t => {
  const { topology, host, start } = await agent(t)
  const [namespace1, namespace2] = topology.containers as [NamespaceRef, NamespaceRef]
  const first = await start()
  const skeleton = await filtersOf(host)
  const { link } = await first.isolate('container1', { netns: namespace1.name, ports: CONTAINER1_PORTS })
  await first.isolate('container2', { netns: namespace2.name, ports: CONTAINER2_PORTS })

  // What makes an orphan unknown in Mesos: its handle is gone.
  await NetworkNamespace.deleteName(link)
  const second = await start()
  t.strictSame(await second.recover([], { orphans: ['container2'], unknown: 'remove' }), {
    recovered: [],
    orphans: ['container2'],
    unknown: [],
    cleaned: ['container1'],
    missing: [],
  })
  t.equal(await second.cleanup('container2'), true, 'the known orphan is destroyed without an error')
  t.strictSame(await leftOf(host, skeleton), NOTHING)
})
