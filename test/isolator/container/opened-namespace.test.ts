import t from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { netnsIdMessages } from '../../../src/rtnetlink/netns-id-messages.js'
import { watchRequests } from '../../helpers/kernel-requests.js'
import { processInside } from '../../helpers/process-inside.js'
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
    const during = watchRequests(t)
    const { sent } = await during(() => isolator.cleanup('web-1'))
    const isSearch = (messages: (typeof sent)[number]): boolean =>
      messages.length > 1 && messages.every(({ type }) => type === netnsIdMessages.get.type)
    t.strictSame(sent.filter(isSearch), [])
    const asked = await during(() => isolator.processes())
    t.ok(asked.sent.some(isSearch), 'one would have been seen: processes() asks for all processes alike')
  },
)
