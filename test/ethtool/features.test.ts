import t from 'tap'
import { activeFeatures, turnOffFeatures } from '../../src/ethtool/features.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'

const CHECKSUM = 'tx-checksum-ip-generic'

t.test('features of devices', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  await using netns = await NetworkNamespace.create()
  await using rt = await RtnetlinkSocket.open({ netns })
  await rt.links.add({ name: 'a', kind: 'veth', peer: { name: 'b' } })
  for (const dev of ['a', 'b']) await rt.links.change({ dev, up: true })
  const ifindex = rt.devices.interfaceIndex('a')

  await t.test('a checksum that is left to the device is filled in before, once it is off', async t => {
    await using tool = await FrameTool.start()
    const path = `/proc/${process.pid}/fd/${netns.fd}`
    const sender = await tool.packetSocket({ netns: path, device: 'a', vnetHeader: true, protocol: 0 })
    const receiver = await tool.packetSocket({ netns: path, device: 'b' })
    const header = Buffer.from([1, 0, 0, 0, 0, 0, 40, 0, 2, 0]) // struct virtio_net_hdr: checksum from 40, to 42
    const arrives = async (): Promise<number> => {
      await sender.send(Buffer.concat([header, Buffer.alloc(64, 'checksum')]))
      const frame = await receiver.next(({ bytes }) => bytes.includes('checksum'), 3000)
      return frame!.bytes.readUInt16BE(42)
    }
    const before = await arrives()
    t.equal(before, Buffer.from('ec').readUInt16BE(), 'left alone')
    t.ok((await activeFeatures(netns, [ifindex]))?.get(ifindex)?.has(CHECKSUM), 'on')
    t.equal(await turnOffFeatures(netns, [{ ifindex, feature: CHECKSUM }]), true)
    const active = (await activeFeatures(netns, [ifindex, 4711]))!
    t.strictSame([...active.keys()], [ifindex], 'a device that is gone is left out')
    t.notOk(active.get(ifindex)?.has(CHECKSUM), 'off')
    t.ok(active.get(ifindex)?.has('tx-generic-segmentation'), 'others stay')
    t.not(await arrives(), before, 'filled in')
  })

  await t.test('what is not there', async t => {
    await t.rejects(turnOffFeatures(netns, [{ ifindex, feature: 'tx-unheard-of' }]), { code: 'EOPNOTSUPP' })
    await t.rejects(turnOffFeatures(netns, [{ ifindex: 4711, feature: CHECKSUM }]), { code: 'ENODEV' })
  })
})
