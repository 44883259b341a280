import { closeSync, existsSync, openSync } from 'node:fs'
import t from 'tap'
import { ipBatch, tc } from './iproute2.js'
import { expectSame, snapshot } from './leaks.js'
import { canCreateNamespaces } from './privilege.js'
import { createTopology } from './topology.js'

t.test('a snapshot sees what changes', canCreateNamespaces(), async t => {
  const topology = await createTopology({ containers: 0 })
  t.teardown(() => topology.close())
  const { host } = topology
  const before = await snapshot({ namespaces: [host] })
  const state = async (): Promise<unknown> => (await snapshot({ namespaces: [host] })).state
  await expectSame(t, before)

  const file = openSync('/dev/null', 'r')
  t.notSame(await state(), before.state, 'an open file')
  closeSync(file)
  await ipBatch(host.name, ['link add v1 type veth peer name v2'])
  t.notSame(await state(), before.state, 'links')
  await ipBatch(host.name, ['link del v1'])
  await tc(host.name, 'qdisc add dev eth0 ingress')
  t.notSame(await state(), before.state, 'a qdisc')
  const withQdisc = await snapshot({ namespaces: [host] })
  await tc(host.name, 'filter add dev eth0 ingress prio 1 protocol ip u32 match u32 0 0')
  t.notSame(await state(), withQdisc.state, 'a filter')
  await tc(host.name, 'qdisc del dev eth0 ingress')
  await expectSame(t, before)
})

t.test('names in /run/netns', canCreateNamespaces(), async t => {
  const names = new RegExp(`^tleak${process.pid}`)
  const before = await snapshot({ names })
  const topology = await createTopology({ containers: 1, prefix: `tleak${process.pid}-` })
  t.equal((await snapshot({ names })).state.names.length, 3)
  t.ok(existsSync(topology.host.path))
  await topology.close()
  await expectSame(t, before)
})
