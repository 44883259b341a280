import t from 'tap'
import { FrameTool } from '../helpers/frame-tool.js'
import { tcpServerIn } from '../helpers/namespace-sockets.js'
import { ETH_P_IP, ethernet, ipv4, IPPROTO_TCP, tcp, TCP_ACK, TCP_SYN } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE } from '../helpers/topology.js'
import { needsIsolation, twoContainers } from './isolated-topology.js'

const TCP_CHECKSUM = 16

/** A connection's first segment from the wire; `damage` is added to its checksum. */
function syn(sourcePort: number, destinationPort: number, damage: number): Buffer {
  const ends = { source: REMOTE_IP, destination: HOST_IP }
  const segment = tcp({ sourcePort, destinationPort, flags: TCP_SYN, sequence: 1 }, Buffer.alloc(0), ends)
  segment.writeUInt16BE((segment.readUInt16BE(TCP_CHECKSUM) + damage) & 0xffff, TCP_CHECKSUM)
  const addresses = { source: REMOTE_MAC, destination: HOST_MAC }
  return ethernet({ ...addresses, type: ETH_P_IP }, ipv4({ ...ends, protocol: IPPROTO_TCP }, segment))
}

t.test('a segment with a wrong checksum from the wire is not accepted', needsIsolation(), async t => {
  const { remote, c1 } = await twoContainers(t)
  const server = await tcpServerIn(c1, '0.0.0.0', c1.port)
  t.teardown(() => server.close())
  await using tool = await FrameTool.start()
  const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })
  const answerTo = async (sourcePort: number, damage: number): Promise<number | undefined> => {
    await wire.send(syn(sourcePort, c1.port, damage))
    const answer = await wire.next(
      ({ type, bytes }) =>
        type === 'host' && bytes[23] === IPPROTO_TCP && bytes.readUInt16BE(36) === sourcePort,
      damage === 0 ? 5000 : 500,
    )
    return answer?.bytes[47]
  }
  for (const damage of [1, 0x100, 0x8000])
    t.equal(await answerTo(4000 + (damage & 0xff), damage), undefined, `off by ${damage}`)
  const flags = await answerTo(5000, 0)
  t.equal(flags, TCP_SYN | TCP_ACK, 'the same with the right one is answered')
})
