import t from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { canCreateNamespaces, hasLink, allOf } from '../helpers/privilege.js'
import { bash, makePair, scratch } from './scratch.js'

t.test(
  'linkStatistics() counts what the links themselves tell',
  allOf(canCreateNamespaces(), hasLink('veth')),
  async t => {
    const made = await scratch(t)
    makePair(made)
    await bash(
      made,
      'for i in 1 2 3; do ip link set a0 mtu 1400; done; ping -c 1 -W 1 -I a0 224.0.0.1 || true',
    )
    await using rt = await RtnetlinkSocket.open({ netns: made.name })
    const statistics = await rt.linkStatistics()
    const links = await rt.links.list()
    t.strictSame([...statistics.keys()].sort(), links.map(({ index }) => index).sort(), 'every link once')
    t.strictSame(
      links.map(({ index }) => statistics.get(index)),
      links.map(link => link.statistics),
    )
    t.ok(
      links.some(link => (link.statistics?.txPackets ?? 0n) > 0n),
      'something was counted',
    )
  },
)
