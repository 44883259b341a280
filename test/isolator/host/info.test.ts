import t from 'tap'
import { hostInfoOf } from '../../../src/isolator/host/info.js'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { createTopology, HOST_IP, REMOTE_IP } from '../../helpers/topology.js'
import { needsIsolation } from '../isolated-topology.js'

t.test('what containers share with their host', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 0 })
  t.teardown(() => topology.close())
  const { host } = topology
  const isolator = await PortMappingIsolator.create({
    netns: host.name,
    ephemeralPorts: '32768-57344',
    reserveHostPorts: true,
  })
  t.match(isolator.host, {
    publicInterface: 'eth0',
    loopbackInterface: 'lo',
    address: HOST_IP,
    prefixLength: 24,
    mtu: 1500,
    gateway: REMOTE_IP,
  })
  t.match(isolator.host.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  await isolator.destroy()
  t.throws(() => isolator.host, { code: 'ERR_ISOLATOR_CLOSED' })
})

t.test('a host without a way out, and one whose containers have the gateway alone', async t => {
  const facts = {
    publicInterface: 'eth0',
    loopbackInterface: 'lo',
    address: '10.9.0.2',
    prefixLength: 24,
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    neighbours: 'prefix',
    routes: [{ destination: '10.20.0.0/16', gateway: '10.9.0.9' }],
  }
  type Facts = Parameters<typeof hostInfoOf>[0]
  t.notOk('gateway' in hostInfoOf(facts as unknown as Facts))
  t.equal(hostInfoOf({ ...facts, neighbours: 'gateway' } as unknown as Facts).prefixLength, 32)
})
