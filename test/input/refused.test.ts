import t from 'tap'
import {
  address,
  filter,
  mirred,
  NetworkNamespace,
  qdisc,
  RtnetlinkSocket,
  SockDiagSocket,
} from '../../src/index.js'
import { RtnetlinkSocketSync } from '../../src/index.js'

const devices = { interfaceIndex: () => 3, interfaceName: () => 'eth0' }
const filterSpec = { dev: 'eth0', parent: 'ingress', priority: 1, protocol: 'ip', kind: 'u32' }

/** Calls that once did something else than they say. */
const calls: Record<string, [call: () => unknown, message: string]> = {
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
