import t from 'tap'
import { linkSpeed } from '../../src/ethtool/link-speed.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'

/** veth_get_link_ksettings in drivers/net/veth.c says 10 Gbit/s. */
const VETH_SPEED = 1_250_000_000

t.test('the speed of a link, in bytes per second', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  await using netns = await NetworkNamespace.create()
  await using rt = await RtnetlinkSocket.open({ netns })
  await rt.links.add({ name: 'a', kind: 'veth', peer: { name: 'b' } })
  const index = rt.devices.interfaceIndex('a')
  for (const dev of ['a', 'b']) await rt.links.change({ dev, up: true })
  t.equal(await linkSpeed(netns, index), VETH_SPEED)
  t.equal(await linkSpeed(netns, rt.devices.interfaceIndex('lo')), undefined, 'lo has none')
  t.equal(await linkSpeed(netns, 4711), undefined, 'neither has a device that is not there')
})
