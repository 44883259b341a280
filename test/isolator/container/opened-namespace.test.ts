import t from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { netnsIdMessages } from '../../../src/rtnetlink/netns-id-messages.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { processInside } from '../../helpers/process-inside.js'
import { replaceMethod } from '../../helpers/replace-method.js'
import { needsIsolation, preparedTopology } from '../isolated-topology.js'

t.test(
  'a namespace that was open when it was isolated is found by its path afterwards, without a search of the machine',
  needsIsolation(),
  async t => {
    const { topology, isolator } = await preparedTopology(t, { containers: 1 })
    const [inside] = topology.containers
    await processInside(t, inside!)
    {
      await using netns = NetworkNamespace.open(inside!.path)
      await isolator.isolate('web-1', { netns, ports: [], hold: false })
    }
    let searches = 0
    replaceMethod(
      t,
      RtnetlinkSocket.prototype,
      'send',
      send =>
        function (requests, options) {
          const all = [...requests]
          if (all.length > 1 && all.every(({ type }) => type === netnsIdMessages.get)) searches++
          return send.call(this, all, options)
        },
    )
    await isolator.cleanup('web-1')
    t.equal(searches, 0)
  },
)
