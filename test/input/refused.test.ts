import t from 'tap'
import {
  address,
  filter,
  mirred,
  neighbour,
  NetworkNamespace,
  qdisc,
  route,
  RtnetlinkSocket,
  SockDiagSocket,
} from '../../src/index.js'
import { RtnetlinkSocketSync } from '../../src/index.js'

const devices = { interfaceIndex: () => 3, interfaceName: () => 'eth0' }
const filterSpec = { dev: 'eth0', parent: 'ingress', priority: 1, protocol: 'ip', kind: 'u32' }

/** Calls that once did something else than they say. */
const calls: Record<string, [call: () => unknown, message: string | RegExp]> = {
  'raw options of a u32 filter, which matched everything': [
    () => filter.toNew({ ...filterSpec, options: new Uint8Array() } as never, devices, 'add'),
    "filters.add: unknown 'options', did you mean 'actions'?",
  ],
  'qdiscs of a device, which were those of all': [
    () => qdisc.toDump({ device: 'eth0' } as never, devices),
    "qdiscs.list: unknown 'device', did you mean 'dev'?",
  ],
  'a prefix length, which was 32': [
    () => address.toNew({ dev: 'eth0', address: '10.9.0.2', prefixLen: 24 } as never, devices, 'add'),
    "addresses.add: unknown 'prefixLen', did you mean 'prefixLength'?",
  ],
  'the device of a route, without which it goes wherever its gateway is': [
    () => route.toNew({ destination: 'default', device: 'eth0' } as never, devices, 'add'),
    "routes.add: unknown 'device', did you mean 'dev'?",
  ],
  'the same in one of several ways': [
    () =>
      route.toNew({ destination: 'default', nexthops: [{ via: '10.9.0.1' }] } as never, devices, 'replace'),
    "routes.replace: unknown 'nexthops[0].via': expected one of gateway, dev, weight, onlink, encapsulation, realms",
  ],
  'a metric in capital letters': [
    () => route.toNew({ destination: 'default', metrics: { MTU: 1400 } } as never, devices, 'add'),
    "routes.add: unknown 'metrics.MTU', did you mean 'mtu'?",
  ],
  'how a route is looked up, in one that is made': [
    () => route.toNew({ destination: 'default', fibMatch: true } as never, devices, 'add'),
    /^routes.add: unknown 'fibMatch'/,
  ],
  'routes through a device, which were those of all': [
    () => route.toDump({ device: 'eth0' } as never, devices),
    "routes.list: unknown 'device', did you mean 'dev'?",
  ],
  'text for a flag of a route': [
    () => route.toNew({ destination: 'default', dev: 'eth0', onlink: 'no' } as never, devices, 'add'),
    "routes.add: onlink is 'no': expected true or false",
  ],
  'the link-layer address of a neighbour, which had none then': [
    () => neighbour.toNew({ dev: 'eth0', address: '10.9.0.2', lladr: '02::' } as never, devices, 'add'),
    "neighbours.add: unknown 'lladr', did you mean 'lladdr'?",
  ],
  'a number for a flag of a neighbour': [
    () => neighbour.toDelete({ dev: 'eth0', address: '10.9.0.2', proxy: 0 } as never, devices),
    'neighbours.delete: proxy is 0: expected true or false',
  ],
  'proxies, which were the other entries': [
    () => neighbour.toDump({ proxies: true } as never, devices),
    "neighbours.list: unknown 'proxies', did you mean 'proxy'?",
  ],
  'the namespace of a socket, which was the own': [
    () => RtnetlinkSocket.open({ namespace: 'x' } as never),
    "RtnetlinkSocket.open: unknown 'namespace', did you mean 'netns'?",
  ],
  'the same of the synchronous form': [
    () => RtnetlinkSocketSync.open({ namespace: 'x' } as never),
    "RtnetlinkSocketSync.open: unknown 'namespace', did you mean 'netns'?",
  ],
  'the same of socket diagnostics': [
    () => SockDiagSocket.open({ namespace: 'x' } as never),
    "SockDiagSocket.open: unknown 'namespace', did you mean 'netns'?",
  ],
  'an object for a name': [
    () => NetworkNamespace.create({ name: 'x' } as never),
    'NetworkNamespace.create: name is an object: expected the name of a network namespace',
  ],
  'an unknown option of a redirect': [
    () => mirred.redirect('eth0', { then: 'pipe' } as never),
    "mirred.redirect: unknown 'then', did you mean 'direction'?",
  ],
}

for (const [about, [call, message]] of Object.entries(calls))
  t.test(about, t => t.rejects(async () => call(), { name: 'TypeError', message }))
