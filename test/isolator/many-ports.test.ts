import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY, preparedTopology } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

const PORTS = '30000-32767'
const single = (count: number, first = 30_000): [number, number][] =>
  Array.from({ length: count }, (_, i) => [first + 2 * i, first + 2 * i])

t.test('500 single ports', needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, { ports: PORTS })
  const [c1, c2] = topology.containers as [typeof host, typeof host]
  const reached = async (port: number): Promise<string> => {
    await using server = await tcpEcho(c1, '0.0.0.0', port)
    return await tcpConnect(remote, HOST_IP, server.port, PATIENTLY)
  }
  const info = await isolator.isolate('a', { netns: c1.name, ports: single(500) })
  t.equal(info.ports.length, 500)
  t.strictSame(await isolator.verify(), [])
  t.strictSame(
    [await reached(30_000), await reached(30_998), await tcpConnect(remote, HOST_IP, 30_999)],
    ['connected', 'connected', 'refused'],
  )
  const changed = await isolator.update('a', { ports: single(500, 31_001) })
  t.strictSame([await reached(31_001), await tcpConnect(remote, HOST_IP, 30_000)], ['connected', 'refused'])
  const second = await PortMappingIsolator.create({ ...OPTIONS, ports: PORTS, netns: host.name })
  t.match(await second.recover(['a']), { recovered: ['a'] })
  t.strictSame(second.list(), [changed])
  t.strictSame(await second.verify(), [])
  await changesNothing(t, [host, c2], async () => {
    const refused = { name: 'IsolatorError', code: 'ERR_INVALID_OPTION', message: /1200 ranges/ }
    await t.rejects(second.isolate('b', { netns: c2.name, ports: single(1200) }), refused)
    await t.rejects(second.update('a', { ports: single(1200) }), refused)
  })
  t.strictSame(second.list(), [changed])
  await second.close()
})
