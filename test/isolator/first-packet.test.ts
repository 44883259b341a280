import t from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { needsIsolation, preparedTopology } from './isolated-topology.js'

const ROUNDS = 20

t.test('a container can send as soon as isolate() has resolved', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t, { containers: 1 })
  const { name } = topology.containers[0]!
  await using inside = await RtnetlinkSocket.open({ netns: name })
  for (let i = 0; i < ROUNDS; i++) {
    await isolator.isolate('web-1', { netns: name, ports: '31000' })
    // A dump tells of the state as it is; to get a single link has the kernel bring it up to date (rtnl_getlink).
    const eth0 = (await inside.links.list()).find(link => link.name === 'eth0')
    t.equal(eth0?.operationalState, 'up', 'its queue takes packets')
    await isolator.cleanup('web-1')
  }
})
