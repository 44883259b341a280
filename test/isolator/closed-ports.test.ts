import t from 'tap'
import { FrameTool } from '../helpers/frame-tool.js'
import { tcpConnect } from '../helpers/tcp-traffic.js'
import { HOST_IP, WIRE } from '../helpers/topology.js'
import { udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY, twoContainers } from './isolated-topology.js'

t.test('a closed port of a container refuses everybody', needsIsolation(), async t => {
  const { remote, host, c1, c2 } = await twoContainers(t)
  await using tool = await FrameTool.start()
  const seenBy = (namespace: { path: string }) => tool.packetSocket({ netns: namespace.path, device: WIRE })
  const wire = await seenBy(remote)

  for (const [who, from] of Object.entries({ remote, host, 'another container': c2, itself: c1 })) {
    for (const address of from === remote ? [HOST_IP] : [HOST_IP, '127.0.0.1']) {
      t.equal(await udpExchange(from, address, c1.port, PATIENTLY), 'refused', `UDP, ${who}, ${address}`)
      t.equal(await tcpConnect(from, address, c1.port, PATIENTLY), 'refused', `TCP, ${who}, ${address}`)
    }
  }
  await tool.flush()
  const fromHost = wire.take().filter(({ bytes }) => bytes[23] === 1)
  t.equal(fromHost.length, 1, 'on the wire there is the error about the packet from there, and no other')
})
