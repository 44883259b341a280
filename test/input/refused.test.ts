import t from 'tap'
import {
  address,
  alternativeNames,
  filter,
  link,
  mirred,
  neighbour,
  NetlinkSocket,
  NetlinkSocketSync,
  NetlinkSubscription,
  NetworkNamespace,
  qdisc,
  route,
  rtnetlinkProtocol,
  RtnetlinkSocket,
  SockDiagSocket,
} from '../../src/index.js'
import { RtnetlinkSocketSync } from '../../src/index.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

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
  'an entry of the forwarding table of a bridge, which became a neighbour': [
    () =>
      neighbour.toNew(
        { dev: 'eth0', address: '10.9.0.2', lladdr: '02::', family: 'bridge' } as never,
        devices,
        'add',
      ),
    "neighbours.add: family is 'bridge': expected one of 'inet', 'inet6'",
  ],
  'a number for a flag of a neighbour': [
    () => neighbour.toDelete({ dev: 'eth0', address: '10.9.0.2', proxy: 0 } as never, devices),
    'neighbours.delete: proxy is 0: expected true or false',
  ],
  'proxies, which were the other entries': [
    () => neighbour.toDump({ proxies: true } as never, devices),
    "neighbours.list: unknown 'proxies', did you mean 'proxy'?",
  ],
  '0 for down, which set the link up': [
    () => link.toNew({ dev: 'eth0', up: 0 } as never, devices, 'change'),
    'links.change: up is 0: expected true or false',
  ],
  'a setting of a link, which changed nothing': [
    () => link.toNew({ dev: 'eth0', mtuu: 1400 } as never, devices, 'change'),
    "links.change: unknown 'mtuu', did you mean 'mtu'?",
  ],
  'the peer of a veth, which got a name of the kernel': [
    () => link.toNew({ name: 'a', kind: 'veth', pear: { name: 'b' } } as never, devices, 'add'),
    "links.add: unknown 'pear', did you mean 'peer'?",
  ],
  'a setting of the peer of a veth': [
    () => link.toNew({ name: 'a', kind: 'veth', peer: { nam: 'b' } } as never, devices, 'add'),
    "links.add: unknown 'peer.nam', did you mean 'name'?",
  ],
  'an option of a bridge': [
    () => link.toNew({ name: 'a', kind: 'bridge', vlanFiltring: 1 } as never, devices, 'add'),
    "links.add: unknown 'vlanFiltring', did you mean 'vlanFiltering'?",
  ],
  'a VLAN without its id': [
    () => link.toNew({ name: 'a', kind: 'vlan', link: 'eth0' } as never, devices, 'add'),
    'links.add: id is missing: expected a whole number from 0 to 4094',
  ],
  'a number for an option of the port of a bridge': [
    () => link.toNew({ dev: 'a', bridgePort: { learning: 0 } } as never, devices, 'change'),
    'links.change: bridgePort.learning is 0: expected true or false',
  ],
  'a sysctl, which stayed as it was': [
    () => link.toNew({ dev: 'a', inet: { rpFilter: 1 } } as never, devices, 'change'),
    "links.change: unknown 'inet.rpFilter', did you mean 'rp_filter'?",
  ],
  'a setting of IPv6, which stayed as it was': [
    () => link.toNew({ dev: 'a', inet6: { addrgenmode: 'none' } } as never, devices, 'change'),
    "links.change: unknown 'inet6.addrgenmode', did you mean 'addrGenMode'?",
  ],
  'a device to change, in a link that is made': [
    () => link.toNew({ dev: 'a', kind: 'dummy' }, devices, 'add'),
    "links.add: dev: it says which link to change; a link that is made has a 'name'",
  ],
  'options of no kind, which were not sent': [
    () => link.toNew({ dev: 'a', data: new Uint8Array(4) } as never, devices, 'change'),
    "links.change: 'data' goes with 'kind' only",
  ],
  'links of a kind, which were all links': [
    () => link.toDump({ knd: 'veth' } as never, devices),
    "links.list: unknown 'knd', did you mean 'kind'?",
  ],
  'an object for a link': [
    () => link.toDelete({ name: 'a' } as never, devices),
    /^links\.delete: key is an object: expected an interface name/,
  ],
  'one alternative name for a list': [
    () => alternativeNames.add('eth0', 'a' as never),
    /^alternativeNames\.add: names is 'a': expected a list/,
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
  'the host to listen on, which was any': [
    () => {
      const netns = NetworkNamespace.open('/proc/self/ns/net')
      try {
        return netns.openSocket({ type: 'tcp', host: '127.0.0.1' } as never)
      } finally {
        netns.close()
      }
    },
    "NetworkNamespace.openSocket: unknown 'host': expected one of type, address, port",
  ],
  'no transport': [
    () => new NetlinkSocket({} as never, rtnetlinkProtocol),
    'new NetlinkSocket: transport is an object: expected a transport: a socket of binding()',
  ],
  'no protocol': [
    () => new NetlinkSocketSync(new ScriptedTransport(), { protocol: 0 } as never),
    "new NetlinkSocketSync: unknown 'protocol': expected one of name, number, messages, replies, command",
  ],
  'one multicast group for a list': [
    () => new NetlinkSubscription(new ScriptedTransport(), rtnetlinkProtocol, 1 as never),
    'new NetlinkSubscription: groups is 1: expected a list of multicast groups',
  ],
  'a controller for its signal': [
    () =>
      new NetlinkSubscription(
        new ScriptedTransport(),
        rtnetlinkProtocol,
        [1],
        new AbortController() as never,
      ),
    /^new NetlinkSubscription: signal is an object: expected an AbortSignal/,
  ],
  'an unknown option of a redirect': [
    () => mirred.redirect('eth0', { then: 'pipe' } as never),
    "mirred.redirect: unknown 'then', did you mean 'direction'?",
  ],
}

for (const [about, [call, message]] of Object.entries(calls))
  t.test(about, t => t.rejects(async () => call(), { name: 'TypeError', message }))
