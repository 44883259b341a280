import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ip, run, tc } from '../helpers/iproute2.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { createTopology } from '../helpers/topology.js'
import { firstPort, needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

/** What root in a container can do to the things that an isolator looks for there by name. */
const CHANGES: Record<string, (name: string) => Promise<unknown>> = {
  'lo has another name': async name => {
    await ip(name, 'link set lo down')
    await ip(name, 'link set lo name mine')
  },
  'lo has another name, which another link took': async name => {
    await ip(name, 'link set lo down')
    await ip(name, 'link set lo name mine')
    await ip(name, 'link add lo type veth peer name ol')
  },
  'lo has a clsact qdisc instead': async name => {
    await tc(name, 'qdisc del dev lo ingress')
    await tc(name, 'qdisc add dev lo clsact')
  },
  'eth0 has another name': async name => {
    await ip(name, 'link set eth0 down')
    await ip(name, 'link set eth0 name mine')
  },
}

for (const [what, change] of Object.entries(CHANGES)) {
  t.test(`${what}: the host is not kept from anything`, allOf(needsIsolation(), hasQdisc('htb')), async t => {
    const topology = await createTopology({ containers: 2, prefix: 'i' })
    t.teardown(() => topology.close())
    const { host } = topology
    const create = () =>
      PortMappingIsolator.create({
        ...{ ...OPTIONS, netns: host.name, networkEnableSnmpStatistics: true },
        ...{ egressRateLimitPerContainer: 10_000_000, bloatReduction: 'none' },
      })
    const isolator = await create()
    const [c1, c2] = topology.containers as [(typeof topology.containers)[0], (typeof topology.containers)[0]]
    await isolator.isolate('web-2', { netns: c2.name, ports: `${firstPort(1)}` })
    await changesNothing(t, [host], async () => {
      await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
      await change(c1.name)
      const { ports } = await isolator.update('web-1', { ports: '31000', egressRateLimit: 20_000_000 })
      t.strictSame(ports, [[31_000, 31_000]])
      await isolator.verify('web-1')
      await isolator.repair()
      t.strictSame([...(await isolator.usageAll()).keys()], ['web-2', 'web-1'])
      t.equal(await isolator.cleanup('web-1'), true)
    })
    await isolator.close()
    const again = await create()
    await change(c2.name)
    t.strictSame((await again.recover([], { unknown: 'remove' })).cleaned, ['web-2'])
    t.notMatch(await run('ls', ['/run/netns']), /^pm/m)
    await again.destroy()
  })
}
