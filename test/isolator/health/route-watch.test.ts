import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { RouteWatch } from '../../../src/isolator/health/route-watch.js'
import type { HostContext } from '../../../src/isolator/host/context.js'
import { sleep } from '../../../src/isolator/kernel/sleep.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { canCreateNamespaces } from '../../helpers/privilege.js'

/** Until looks would overlap, were each begun by a notification, ms. */
const LONG = 60

t.test('one look comes after the other', canCreateNamespaces(), async t => {
  const netns = await NetworkNamespace.create()
  await using rt = await RtnetlinkSocket.open({ netns })
  t.teardown(() => netns.close())
  await rt.links.change({ dev: 'lo', up: true })
  let [looks, underWay, most] = [0, 0, 0]
  const events = new EventEmitter()
  const [begun, released, changed] = ['begun', 'released', 'changed'].map(name => once(events, name))
  const list = async (): Promise<object[]> => {
    most = Math.max(most, ++underWay)
    if (++looks === 1) events.emit('begun')
    await released
    underWay--
    return looks === 1 ? [] : [{ destination: '10.20.0.0/16', gateway: '10.9.0.1', dev: 'lo', flags: [] }]
  }
  const host = {
    ...{ netns, rt: { devices: rt.devices, routes: { list } }, publicIndex: 1, settledRoutes: [] },
    facts: {
      ...{ publicInterface: 'lo', address: '10.9.0.2', prefixLength: 24, neighbours: 'prefix', routes: [] },
    },
    routing: { gateway: 'none', routes: 'host', hostAddresses: [] },
  } as unknown as HostContext
  const watch = new RouteWatch(host, {
    changed: () => {
      events.emit('changed')
    },
    failed: error => {
      t.error(error)
    },
  })
  await begun
  const since = performance.now()
  for (let sent = 0; sent < 100 || performance.now() - since < LONG; sent++) {
    await rt.routes.add({ destination: '10.1.0.0/16', dev: 'lo' })
    await rt.routes.delete({ destination: '10.1.0.0/16', dev: 'lo' })
    await sleep(0, {})
  }
  events.emit('released')
  await changed
  t.equal(most, 1, 'never two at the same time')
  t.equal(looks, 2, 'one look for all of them')
  watch.stop()
})
