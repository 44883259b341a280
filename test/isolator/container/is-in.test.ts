import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { run } from '../../helpers/iproute2.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology } from '../isolated-topology.js'

for (const hold of [true, false])
  t.test(`which namespace a container has, hold: ${hold}`, needsIsolation(), async t => {
    const { topology, host, isolator } = await preparedTopology(t)
    const [c1, c2] = topology.containers as [NamespaceRef, NamespaceRef]
    const { link } = await isolator.isolate('web-1', { netns: c1.name, ports: '31000', hold })
    const other = await NetworkNamespace.create()
    t.teardown(() => other.close())
    const check = async (isolator: PortMappingIsolator): Promise<void> => {
      t.equal(await isolator.isIn('web-1', c1.name), true, 'a name')
      t.equal(await isolator.isIn('web-1', c1.path), true, 'a path')
      {
        await using netns = NetworkNamespace.open(c1.name)
        t.equal(await isolator.isIn('web-1', netns), true, 'an open one')
      }
      t.equal(await isolator.isIn('web-1', c2.name), false)
      t.equal(await isolator.isIn('web-1', other), false, 'one that the host does not know')
      t.equal(await isolator.isIn('web-1', host.name), false)
      t.equal(await isolator.isIn('web-1', process.pid), false)
      await t.rejects(isolator.isIn('web-1', 'no-such-name'), { code: 'ERR_INVALID_OPTION' })
      await t.rejects(isolator.isIn('web-2', c1.name), { code: 'ERR_CONTAINER_UNKNOWN' })
      await t.rejects(isolator.isIn('web-1', {} as string), { code: 'ERR_INVALID_OPTION' })
    }
    await check(isolator)
    const another = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.teardown(() => another.close())
    for (const one of [isolator, another])
      for (const { name } of [c1, c2])
        await t.rejects(one.isolate('web-1', { netns: name, hold }), {
          code: 'ERR_CONTAINER_EXISTS',
          details: { id: 'web-1', isElsewhere: name === c2.name },
        })
    await isolator.close()

    const restarted = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.teardown(() => restarted.destroy())
    await restarted.recover('all')
    await check(restarted)
    if (hold) {
      await run('umount', [`/run/netns/${link}`])
      await check(restarted)
    }

    // As a runtime does that makes a namespace anew.
    t.equal(await restarted.isIn('web-1', c2.name), false)
    await restarted.cleanup('web-1')
    await restarted.isolate('web-1', { netns: c2.name, ports: '31000', hold })
    t.equal(await restarted.isIn('web-1', c2.name), true)
    await t.rejects(restarted.isolate('web-1', { netns: c2.name, ports: '31000', hold }), {
      code: 'ERR_CONTAINER_EXISTS',
    })
  })

for (const interfaceName of ['eth0', 'net1'])
  t.test(`one namespace, two containers: ${interfaceName}`, needsIsolation(), async t => {
    const { host, isolator } = await preparedTopology(t)
    const netns = await NetworkNamespace.create()
    t.teardown(() => netns.close())
    await isolator.isolate('web-1', { netns, ports: '31000', hold: false })
    await isolator.close()
    const restarted = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.teardown(() => restarted.destroy())
    await restarted.recover('all')
    await t.rejects(
      restarted.isolate('web-2', { netns, ports: '31001', interfaceName }),
      { code: 'ERR_CONTAINER_EXISTS', details: { id: 'web-1' } },
      'also where nothing leads to the namespace of the first',
    )
  })
