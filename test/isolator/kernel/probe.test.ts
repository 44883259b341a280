import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import {
  canCreateNamespaces,
  hasAction,
  hasFilter,
  hasLink,
  hasQdisc,
  type Skip,
} from '../../helpers/privilege.js'
import { changesNothing } from '../kernel-state.js'

t.test('probe() finds what tc finds', canCreateNamespaces(), async t => {
  const tried: Record<string, Skip> = {
    veth: hasLink('veth'),
    ingress: hasQdisc('ingress'),
    u32: hasFilter('u32'),
    bpf: hasFilter('bpf'),
    mirred: hasAction('mirred'),
    bridge: hasLink('bridge'),
    gact: hasAction('gact'),
    htb: hasQdisc('htb'),
    fq_codel: hasQdisc('fq_codel'),
  }
  await PortMappingIsolator.probe() // opens what is opened once
  await changesNothing(t, [], async () => {
    const features = await PortMappingIsolator.probe()
    const found = Object.entries(features).map(([name, { available }]) => [name, available])
    t.strictSame(
      Object.fromEntries(found),
      Object.fromEntries(Object.entries(tried).map(([name, { skip }]) => [name, skip === false])),
    )
    for (const [name, { available, reason }] of Object.entries(features)) {
      t.equal(reason === undefined, available, `${name}: ${reason ?? 'available'}`)
    }
  })
})
