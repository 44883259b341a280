import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { Skip } from '../../helpers/privilege.js'
import { createTopology } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS } from '../isolated-topology.js'
import { allOf } from '../../helpers/privilege.js'

const BACKLOG = '/proc/sys/net/core/netdev_max_backlog'

/** One for the whole kernel: tests may touch it only where the kernel is theirs, in user-mode Linux. */
const ownKernel = (): Skip => ({
  skip: readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux') ? false : 'a kernel of our own',
})

const backlog = (): number => Number(readFileSync(BACKLOG, 'utf8'))

t.test('more containers than a packet can be copied to', allOf(needsIsolation(), ownKernel()), async t => {
  const before = backlog()
  t.teardown(() => writeFileSync(BACKLOG, `${before}`))
  writeFileSync(BACKLOG, '20')
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  // Room for 64 containers.
  const options = { ...OPTIONS, netns: topology.host.name, ephemeralPortsPerContainer: 128 }

  const warned = once(process, 'warning')
  const careless = await PortMappingIsolator.create(options)
  t.match(await warned, [{ code: 'RTNETLINK_BACKLOG', message: /room for 64 .*netdev_max_backlog is 20/ }])
  t.equal(backlog(), 20, 'says so, and leaves it')
  t.notMatch(careless.explain().join('\n'), 'netdev_max_backlog')
  await careless.destroy()

  const raising = await PortMappingIsolator.create({ ...options, raiseNetdevMaxBacklog: true })
  t.equal(backlog(), 128)
  t.ok(raising.explain().includes("sysctl -qw net.core.netdev_max_backlog='128'"), 'and tells of it')
  await raising.close()
  const restarted = await PortMappingIsolator.create({ ...options, raiseNetdevMaxBacklog: true })
  await restarted.destroy()
  t.equal(backlog(), 20, 'as it was')
})
