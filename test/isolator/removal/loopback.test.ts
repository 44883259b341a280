import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { ip, ipBatch, ipJson } from '../../helpers/iproute2.js'
import { createTopology, HOST_MAC, REMOTE_IP, type NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS } from '../isolated-topology.js'
import { changesNothing, settleLoopback } from '../kernel-state.js'

/** What a host's loopback is like before `create()`, and what somebody does to the host meanwhile. */
const STATES: Record<string, { before?: string[]; meanwhile?: string[]; afterwards?: string[] }> = {
  'lo is down, without an address': { before: ['link set lo down', 'addr flush dev lo'] },
  'lo is down, with one': { before: ['link set lo down'] },
  'an MTU at which there is no IPv6': {
    before: ['addr add 2001:db8::1/128 dev lo'],
    meanwhile: ['link set lo mtu 1000'],
  },
  'another MTU': { before: ['link set lo mtu 9000'] },
  'the public interface gets another name': {
    meanwhile: ['link set eth0 down', 'link set eth0 name wan0', 'link set wan0 up'],
    afterwards: [
      ...['link set wan0 down', 'link set wan0 name eth0', 'link set eth0 up'],
      `route add default via ${REMOTE_IP} dev eth0`,
    ],
  },
}

/** Addresses of lo, without what of them runs out: the scope of those that were there before. */
const addressesOf = async ({ name }: NamespaceRef): Promise<string[]> => {
  const [lo] = await ipJson<{ addr_info: { local: string; prefixlen: number; scope: string }[] }>(
    name,
    'addr show dev lo',
  )
  return (lo?.addr_info ?? []).map(({ local, prefixlen, scope }) => `${local}/${prefixlen} ${scope}`)
}

for (const [what, { before = [], meanwhile = [], afterwards = [] }] of Object.entries(STATES)) {
  t.test(`destroy() and remove() leave lo as it was: ${what}`, needsIsolation(), async t => {
    const topology = await createTopology({ containers: 0, prefix: 'i' })
    t.teardown(() => topology.close())
    const { host } = topology
    await settleLoopback(host, HOST_MAC)
    if (before.length > 0) await ipBatch(host.name, before)
    const addresses = await addressesOf(host)
    for (const way of ['destroy', 'remove']) {
      await changesNothing(t, [host], async () => {
        const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
        for (const line of meanwhile) await ip(host.name, line)
        if (way === 'destroy') await isolator.destroy()
        else {
          await isolator.close()
          t.strictSame((await PortMappingIsolator.remove({ netns: host.name })).left, [])
        }
        for (const line of afterwards) await ip(host.name, line)
      })
      t.strictSame((await addressesOf(host)).sort(), [...addresses].sort(), way)
    }
  })
}
