import t from 'tap'
import { FrameTool } from './frame-tool.js'
import {
  arp,
  BROADCAST,
  ETH_P_ARP,
  ETH_P_IP,
  ethernet,
  icmp,
  ipv4,
  IPPROTO_ICMP,
  IPPROTO_UDP,
  udp,
} from './packets.js'
import { canCreateNamespaces } from './privilege.js'
import { createTopology, HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE } from './topology.js'

const FROM_WIRE = { source: REMOTE_MAC, destination: HOST_MAC }
const TO_HOST = { source: REMOTE_IP, destination: HOST_IP }

/** A datagram to a port nobody listens on. */
function datagram(text: string): Buffer {
  const payload = udp({ sourcePort: 1000, destinationPort: 2000 }, Buffer.from(text), TO_HOST)
  return ipv4({ ...TO_HOST, protocol: IPPROTO_UDP }, payload)
}

t.test('frames in and out of namespaces', canCreateNamespaces(), async t => {
  const topology = await createTopology({ containers: 0 })
  t.teardown(() => topology.close())
  const { remote, host } = topology
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })

  await t.test('a frame arrives as it was sent', async t => {
    const captured = await tool.packetSocket({ netns: host.path, device: WIRE, protocol: ETH_P_IP })
    const frame = ethernet(FROM_WIRE, datagram('as it is'))
    await wire.send(frame)
    t.strictSame(captured.take(), [{ type: 'host', vlan: undefined, bytes: frame }])
    await captured.close()
  })

  await t.test('many frames in one call keep their order', async t => {
    const captured = await tool.packetSocket({ netns: host.path, device: WIRE, protocol: ETH_P_IP })
    const frames = Array.from({ length: 200 }, (_, i) => ethernet(FROM_WIRE, datagram(`number ${i}`)))
    await wire.send(...frames)
    await captured.next(({ bytes }) => bytes.equals(frames[199]!))
    await wire.send(frames[0]!)
    t.equal(captured.take().length, 200)
    await captured.close()
  })

  await t.test('a VLAN tag is reported beside the frame', async t => {
    const captured = await tool.packetSocket({ netns: host.path, device: WIRE })
    await wire.send(ethernet({ ...FROM_WIRE, vlans: [0x2005] }, datagram('tagged')))
    const frame = await captured.next(({ bytes }) => bytes.includes('tagged'))
    t.equal(frame?.vlan, 0x2005)
    t.strictSame(frame?.bytes, ethernet(FROM_WIRE, datagram('tagged')))
    await captured.close()
  })

  await t.test('outgoing frames are captured on request only', async t => {
    const both = await tool.packetSocket({ netns: remote.path, device: WIRE, outgoing: true })
    const frame = ethernet(FROM_WIRE, datagram('outgoing'))
    wire.take()
    await wire.send(frame)
    t.ok(await both.next(({ type, bytes }) => type === 'outgoing' && bytes.equals(frame)))
    t.notOk(wire.take().some(({ bytes }) => bytes.equals(frame)))
    await both.close()
  })

  await t.test('the host answers ARP and ICMP built here', async t => {
    const request = arp({
      operation: 'request',
      senderMac: REMOTE_MAC,
      senderIp: REMOTE_IP,
      targetIp: HOST_IP,
    })
    await wire.send(ethernet({ source: REMOTE_MAC, destination: BROADCAST, type: ETH_P_ARP }, request))
    const reply = arp({
      operation: 'reply',
      senderMac: HOST_MAC,
      senderIp: HOST_IP,
      targetMac: REMOTE_MAC,
      targetIp: REMOTE_IP,
    })
    t.ok(await wire.next(({ bytes }) => bytes.subarray(14).equals(reply)))

    const rest = Buffer.from([1, 2, 3, 4])
    const echo = icmp({ type: 8, rest }, Buffer.from('anyone?'))
    await wire.send(
      ethernet(FROM_WIRE, ipv4({ ...TO_HOST, protocol: IPPROTO_ICMP, options: Buffer.alloc(4, 1) }, echo)),
    )
    const answer = icmp({ type: 0, rest }, Buffer.from('anyone?'))
    t.ok(await wire.next(({ bytes }) => bytes.subarray(-answer.length).equals(answer)))
  })

  await t.test('a raw socket sends through the routes', async t => {
    const raw = await tool.rawSocket({ netns: host.path, protocol: IPPROTO_UDP })
    const packet = ipv4(
      { source: HOST_IP, destination: REMOTE_IP, protocol: IPPROTO_UDP, id: 7 },
      udp({ sourcePort: 1, destinationPort: 2 }, Buffer.from('raw')),
    )
    await raw.send(packet)
    t.ok(await wire.next(({ bytes }) => bytes.subarray(14).equals(packet)))
    await raw.close()
  })

  await t.test('what fails says so', async t => {
    await t.rejects(tool.packetSocket({ netns: host.path, device: 'nosuch0' }), { code: 'ENODEV' })
    await t.rejects(tool.packetSocket({ netns: '/run/netns/nosuch', device: WIRE }), { code: 'ENOENT' })
    await t.rejects(wire.send(Buffer.alloc(9000)), { code: 'EMSGSIZE' })
    const closed = await tool.packetSocket({ netns: host.path, device: WIRE })
    await closed.close()
    await t.rejects(closed.send(Buffer.alloc(60)), { code: 'EBADF' })
  })

  t.equal(await wire.next(() => false, 30), undefined, 'nothing comes of nothing')
  await tool.close()
  await t.rejects(wire.send(Buffer.alloc(60)), /frames ended/)
})
