import { execSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { inspect } from 'node:util'
import { openIn } from './kernel.js'
import { link, address, route, neighbour } from '../../src/rtnetlink/index.js'
const n = 'r' + Math.random().toString(36).slice(2, 8)
execSync(`ip netns add ${n}; ip netns add ${n}b`)
try {
  const rt = openIn(`/run/netns/${n}`)
  const fdb = openSync(`/run/netns/${n}b`, 'r')
  const t = (f: () => unknown) => { try { console.log(inspect(f(), { depth: 5, breakLength: 160 })) } catch (e) { console.log(String(e)) } }
  const spec = { name: 'pm1', kind: 'veth', address: '02:00:00:00:00:01', mtu: 1400, group: 7, arp: false, multicast: false, peer: { name: 'eth0', address: '02:00:00:00:00:02', mtu: 1400, netns: { fd: fdb, name: n + 'b' } } } as const
  console.log(link.command('add', spec))
  t(() => rt.links.add(spec))
  const ch = { dev: 'pm1', alias: 'web-1 32768-33791', up: true, inet: { rp_filter: 1, accept_local: 1, route_localnet: 1, arp_ignore: 8 }, inet6: { addrGenMode: 'none' } } as const
  console.log(link.command('change', ch))
  t(() => rt.links.change(ch))
  t(() => rt.links.get('pm1'))
  t(() => rt.links.get('nope'))
  t(() => rt.links.add(spec))
  t(() => rt.links.list({ kind: 'veth', statistics: false }).map(l => l.name))
  t(() => rt.links.list({ up: false }).map(l => l.name))
  const a = { dev: 'pm1', address: '10.9.0.2/24', broadcast: '10.9.0.255' }
  console.log(address.command('add', a))
  t(() => rt.addresses.add(a))
  t(() => rt.addresses.add({ dev: 'pm1', address: '10.7.0.1', peer: '10.7.0.2/32' }))
  t(() => rt.addresses.add({ dev: 'pm1', address: 'fd00::1/64', nodad: true, preferredLifetime: 100, validLifetime: 200 }))
  t(() => rt.addresses.list({}))
  t(() => rt.addresses.get({ dev: 'pm1', address: 'fd00::1/64' }))
  t(() => rt.addresses.get({ dev: 'pm1', address: '10.9.0.2/24' }))
  const r = { destination: 'default', gateway: '10.9.9.1', dev: 'pm1', onlink: true } as const
  console.log(route.command('add', r))
  t(() => rt.routes.add(r))
  t(() => rt.routes.add({ destination: '10.10.0.0/16', table: 1000, metric: 5, metrics: { mtu: 1300, lock: ['mtu'], rtt: 20, congctl: 'cubic' }, nexthops: [{ gateway: '10.9.0.3', dev: 'pm1', weight: 3 }, { gateway: '10.9.0.4', dev: 'pm1' }] }))
  t(() => rt.routes.add({ destination: 'blackhole' as string, dev: 'pm1' }))
  t(() => rt.routes.add({ destination: '10.66.0.0/16', type: 'blackhole' }))
  t(() => rt.routes.add({ destination: 'fd01::/48', gateway: 'fd00::9', dev: 'pm1', preference: 'high', expires: 100 }))
  t(() => rt.routes.add({ destination: '10.67.0.0/16', gateway: 'fe80::9', dev: 'pm1' }))
  t(() => rt.routes.list({}))
  t(() => rt.routes.list({ table: 1000 }).length)
  t(() => rt.routes.list({ table: 1001 }).length)
  t(() => rt.routes.list({ family: 'inet', table: 'main' }).length)
  t(() => rt.routes.get({ destination: '8.8.8.8' }))
  t(() => rt.routes.get({ destination: '8.8.8.8', fibMatch: true }))
  t(() => rt.routes.delete({ destination: '10.67.0.0/16' }))
  t(() => rt.routes.delete({ destination: '10.67.0.0/16', dev: 'pm1' }))
  t(() => rt.neighbours.add({ dev: 'pm1', address: '10.9.0.77', lladdr: '02:00:00:00:00:77' }))
  t(() => rt.neighbours.add({ dev: 'pm1', address: '10.9.0.78', lladdr: '02:00:00:00:00:78', state: 'stale', managed: false, extern_learn: true, protocol: 'static' }))
  t(() => rt.neighbours.add({ dev: 'pm1', address: 'fd00::78', lladdr: '02:00:00:00:00:78', router: true }))
  t(() => rt.neighbours.add({ dev: 'pm1', address: '10.9.0.80', proxy: true }))
  t(() => rt.neighbours.list({}))
  t(() => rt.neighbours.list({ proxy: true, dev: 'pm1' }))
  t(() => rt.neighbours.get({ dev: 'pm1', address: '10.9.0.77' }))
  t(() => rt.neighbours.get({ dev: 'pm1', address: '10.9.0.80', proxy: true }))
  t(() => rt.neighbours.delete({ dev: 'pm1', address: '10.9.0.77' }))
  for (const kind of ['ifb', 'dummy', 'bridge', 'vlan', 'macvlan']) t(() => rt.links.add({ name: 'x' + kind, kind, ...(kind === 'vlan' ? { link: 'pm1', id: 5 } : {}) } as never))
  t(() => rt.links.change({ dev: 'pm1', name: 'pm2', group: 3 }))
  t(() => rt.links.delete('pm2'))
  t(() => rt.links.list({}).map(l => [l.name, l.index, l.kind]))
} finally { execSync(`ip netns del ${n}; ip netns del ${n}b`) }
