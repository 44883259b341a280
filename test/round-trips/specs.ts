import fc from 'fast-check'
import type { AddressSpec, LinkSpec, NeighbourSpec, RouteSpec } from '../../src/rtnetlink/index.js'
import type { ActionSpec, ClassSpec, FilterSpec, QdiscSpec, U32Key } from '../../src/tc/index.js'

/** Any combination of the members but for `required`. Members that are left out are absent. */
const record = <T extends Record<string, fc.Arbitrary<unknown>>, R extends keyof T & string>(
  members: T,
  required: readonly R[],
) => fc.record(members, { requiredKeys: [...required] })

const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffff_ffff)
/** Where 0 means that none is given. */
const positive = fc.integer({ min: 1, max: 0xffff_ffff })

/** From the bytes of each group up: no two texts for one address. */
const ipv4 = fc.tuple(fc.integer({ min: 1, max: 126 }), u8, u8, u8).map(bytes => bytes.join('.'))
const ipv6 = fc
  .tuple(fc.integer({ min: 0x1000, max: 0xffff }), fc.integer({ min: 1, max: 0xffff }))
  .map(([first, last]) => `${first.toString(16)}::${last.toString(16)}`)
const lladdr = fc
  .array(u8, { minLength: 6, maxLength: 6 })
  .map(bytes => bytes.map(byte => byte.toString(16).padStart(2, '0')).join(':'))
const dev = fc.constantFrom('eth0', 'pm1')
const name = fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/)

const hex = (number: number): string => number.toString(16)
const major = fc.integer({ min: 1, max: 0xfffe })
const handle = major.map(number => `${hex(number)}:`)
const classid = fc.tuple(major, major).map(([qdisc, minor]) => `${hex(qdisc)}:${hex(minor)}`)
const parent = fc.oneof(fc.constant('root'), classid)

const rate = fc.oneof(
  fc.integer({ min: 1_000_000, max: 0xffff_ffff }),
  fc.integer({ min: 2 ** 32, max: 2 ** 40 }),
)
const bytes = fc.integer({ min: 1600, max: 1_000_000 })
const packetLength = {
  overhead: fc.integer({ min: 1, max: 255 }),
  mpu: fc.integer({ min: 1, max: 255 }),
  linklayer: fc.constant('atm'),
}

/** What is given to the kernel is listed as it is: units of 1024 ns are no fractions of microseconds. */
const codelTime = fc.nat(0xffff_ffff >>> 7).map(n => n * 128)

/** Qdiscs of every kind. */
export const qdiscs: fc.Arbitrary<QdiscSpec> = fc.oneof(
  record({ kind: fc.constant('ingress' as const), dev, ingressBlock: u16.map(n => n + 1) }, ['kind', 'dev']),
  record(
    {
      kind: fc.constant('clsact' as const),
      dev,
      ingressBlock: u16.map(n => n + 1),
      egressBlock: u16.map(n => n + 1),
    },
    ['kind', 'dev'],
  ),
  record({ kind: fc.constantFrom('pfifo' as const, 'bfifo' as const), dev, parent, handle, limit: u32 }, [
    'kind',
    'dev',
    'parent',
  ]),
  record(
    {
      kind: fc.constant('fq_codel' as const),
      ...{
        dev,
        parent,
        handle,
        limit: u32,
        flows: fc.integer({ min: 1, max: 65536 }),
        quantum: u32,
        target: codelTime,
        interval: codelTime,
      },
      ecn: fc.boolean(),
      ceThreshold: codelTime,
      ceThresholdSelector: fc.record({ selector: u8, mask: u8 }),
      memoryLimit: u32,
      dropBatch: u32,
    },
    ['kind', 'dev', 'parent'],
  ),
  record(
    {
      kind: fc.constant('htb' as const),
      dev,
      parent,
      handle,
      defaultClass: u16,
      rateToQuantum: u16.map(n => n + 1),
      directQlen: u32,
      offload: fc.constant(true),
    },
    ['kind', 'dev', 'parent'],
  ),
  record(
    {
      kind: fc.constant('tbf' as const),
      dev,
      parent,
      handle,
      rate,
      burst: bytes,
      limit: bytes,
      ...packetLength,
    },
    ['kind', 'dev', 'parent', 'rate', 'burst', 'limit'],
  ),
  record(
    { kind: fc.constant('sfq' as const), dev, parent, handle, options: fc.uint8Array({ maxLength: 64 }) },
    ['kind', 'dev', 'parent'],
  ),
) as fc.Arbitrary<QdiscSpec>

/** Classes. A burst is counted in ticks, and so comes back rounded: it is not given here. */
export const classes: fc.Arbitrary<ClassSpec> = record(
  {
    kind: fc.constant('htb' as const),
    ...{ dev, parent: fc.oneof(handle, classid), classid, rate, ceil: rate },
    priority: fc.nat(7),
    quantum: u32,
    ...packetLength,
  },
  ['kind', 'dev', 'parent', 'classid', 'rate'],
) as fc.Arbitrary<ClassSpec>

const control = fc.oneof(
  fc.constantFrom('continue', 'pass', 'reclassify', 'drop', 'pipe', 'stolen'),
  fc.record({ goto: fc.nat(0x0fff_ffff) }),
  fc.record({ jump: fc.nat(31) }),
)
const actions = fc.array(
  fc.oneof(
    record({ kind: fc.constant('gact' as const), then: control }, ['kind', 'then']),
    record(
      {
        kind: fc.constant('mirred' as const),
        operation: fc.constantFrom('redirect', 'mirror'),
        direction: fc.constantFrom('egress', 'ingress'),
        dev,
        then: control,
      },
      ['kind', 'operation', 'direction', 'dev'],
    ),
  ),
  { minLength: 1, maxLength: 5 },
) as fc.Arbitrary<ActionSpec[]>

const place = {
  dev,
  parent: fc.oneof(fc.constantFrom('ingress', 'egress'), handle, classid),
  priority: fc.integer({ min: 1, max: 0xffff }),
  protocol: fc.constantFrom('ip', 'ipv6', 'arp', 'all', '802.1Q'),
  chain: u32,
}
const placed = ['dev', 'parent', 'priority', 'protocol', 'kind'] as const

/** Keys of the same word become one: each here has a word of its own, and no bits outside of its mask. */
const keys = fc.uniqueArray(
  fc
    .record({ at: fc.integer({ min: -16, max: 16 }).map(n => n * 4), value: u32, mask: u32 })
    .map(({ at, value, mask }): U32Key => ({ at, value: (value & mask) >>> 0, mask })),
  { selector: ({ at }) => at, minLength: 1, maxLength: 8 },
)

const table = fc.integer({ min: 1, max: 0x7ff })
const bucket = fc.nat(0xff)
const nodeHandle = fc
  .tuple(table, bucket, fc.integer({ min: 1, max: 0xfff }))
  .map(([table, bucket, node]) => `${hex(table)}:${bucket === 0 ? '' : hex(bucket)}:${hex(node)}`)

const instruction = fc.record({
  code: fc.constant(0x20),
  jt: fc.constant(0),
  jf: fc.constant(0),
  k: fc.nat(100).map(n => n * 4),
})
const program = fc
  .array(instruction, { maxLength: 30 })
  .chain(body => u32.map(k => [...body, { code: 0x06, jt: 0, jf: 0, k }]))

/** Filters of every kind. */
export const filters: fc.Arbitrary<FilterSpec> = fc.oneof(
  record(
    {
      kind: fc.constant('u32' as const),
      ...{
        ...place,
        handle: nodeHandle,
        keys,
        link: table.map(number => `${hex(number)}:`),
        classid,
        actions,
      },
      hashKey: fc.record({ mask: u32.map(n => n || 1), at: fc.integer({ min: -64, max: 64 }) }),
      offset: record(
        {
          at: fc.integer({ min: -64, max: 64 }),
          mask: u16,
          shift: fc.nat(15),
          plus: u16,
          eat: fc.constant(true),
        },
        ['at', 'mask', 'shift'],
      ),
      inputDevice: name,
      mark: fc.record({ value: u32, mask: u32 }),
      skipHardware: fc.constant(true),
    },
    [...placed, 'keys'],
  ),
  record(
    {
      kind: fc.constant('u32' as const),
      ...place,
      handle: table.map(number => `${hex(number)}:`),
      divisor: fc.nat(8).map(power => 2 ** power),
    },
    [...placed, 'divisor', 'handle'],
  ),
  record(
    {
      kind: fc.constant('bpf' as const),
      ...place,
      handle: positive,
      program,
      directAction: fc.constant(true),
      classid,
      skipHardware: fc.constant(true),
    },
    [...placed, 'program'],
  ),
  record({ kind: fc.constant('bpf' as const), ...place, program, classid, actions }, [
    ...placed,
    'program',
    'actions',
  ]),
  record(
    {
      kind: fc.constant('flower' as const),
      ...place,
      handle: positive,
      options: fc.uint8Array({ maxLength: 64 }),
    },
    [...placed, 'options'],
  ),
) as fc.Arbitrary<FilterSpec>

const flag = fc.boolean()
const settings = {
  name,
  index: fc.integer({ min: 1, max: 0x7fff_ffff }),
  address: lladdr,
  broadcast: lladdr,
  mtu: u32,
  group: u32,
  txQueueLength: u32,
  txQueues: u32,
  rxQueues: u32,
  gsoMaxSize: u32,
  gsoMaxSegments: u32,
  groMaxSize: u32,
  ...{ up: flag, arp: flag, multicast: flag, allmulticast: flag, promisc: flag },
}
const qosMap = fc.array(fc.record({ from: u32, to: u32 }), { minLength: 1, maxLength: 4 })

/** Links of every kind. */
export const links: fc.Arbitrary<LinkSpec> = fc.oneof(
  record({ kind: fc.constantFrom('dummy', 'ifb'), ...settings, master: fc.constant('br0') }, [
    'kind',
    'name',
  ]),
  record({ kind: fc.constant('veth' as const), ...settings, peer: record(settings, ['name']) }, [
    'kind',
    'name',
    'peer',
  ]),
  record(
    {
      kind: fc.constant('vlan' as const),
      ...{ ...settings, link: dev, id: fc.nat(4094), protocol: fc.constantFrom('802.1Q', '802.1ad') },
      ...{ reorderHdr: flag, gvrp: flag, looseBinding: flag, mvrp: flag, bridgeBinding: flag },
      ...{ egressQosMap: qosMap, ingressQosMap: qosMap },
    },
    ['kind', 'name', 'link', 'id'],
  ),
  record(
    {
      kind: fc.constant('bridge' as const),
      ...{
        ...settings,
        forwardDelay: u32,
        ageingTime: u32,
        stpState: u32,
        priority: u16,
        vlanFiltering: u8,
        vlanDefaultPvid: u16,
      },
      ...{
        groupFwdMask: u16,
        mcastSnooping: u8,
        mcastHashMax: u32,
        mcastQueryInterval: u32,
        groupAddress: lladdr,
      },
      vlanProtocol: fc.constantFrom('802.1Q', '802.1ad'),
    },
    ['kind', 'name', 'vlanProtocol'], // without it, vlanFiltering is not read
  ),
) as fc.Arbitrary<LinkSpec>

const lifetimes = {
  validLifetime: fc.oneof(
    u32.map(n => n - (n === 0xffff_ffff ? 1 : 0)),
    fc.constant(Infinity),
  ),
  preferredLifetime: fc.oneof(fc.nat(1e6), fc.constant(Infinity)),
}
const scope = fc.constantFrom('global', 'site', 'link', 'host', 'nowhere', 5)

/** Addresses of both families. */
export const addresses: fc.Arbitrary<AddressSpec> = fc.oneof(
  record(
    {
      address: ipv4,
      dev,
      prefixLength: fc.nat(32),
      peer: ipv4,
      broadcast: ipv4,
      label: name,
      scope,
      metric: u32,
      protocol: fc.constantFrom('kernel_lo', 9),
      noprefixroute: fc.constant(true),
    },
    ['address', 'dev'],
  ),
  record(
    {
      address: ipv6,
      dev,
      prefixLength: fc.nat(128),
      scope,
      ...lifetimes,
      nodad: fc.constant(true),
      home: fc.constant(true),
      mngtmpaddr: fc.constant(true),
    },
    ['address', 'dev', 'validLifetime'],
  ),
) as fc.Arbitrary<AddressSpec>

const way = (gateway: fc.Arbitrary<string>) => ({ gateway, dev, onlink: fc.constant(true) })
const common = {
  table: fc.oneof(fc.constantFrom('main', 'local', 'default'), fc.integer({ min: 256, max: 0xffff_ffff })),
  metric: fc.integer({ min: 1, max: 0xffff_ffff }),
  protocol: fc.constantFrom('boot', 'static', 'kernel', 200),
  metrics: record(
    {
      mtu: u32,
      advmss: u32,
      window: u32,
      ssthresh: u32,
      initcwnd: u32,
      rtoMin: u32,
      quickack: u32,
      congctl: fc.constantFrom('bbr', 'cubic'),
    },
    ['mtu'],
  ),
}

/** Routes of both families, by one way or by several. */
export const routes: fc.Arbitrary<RouteSpec> = fc.oneof(
  record(
    {
      destination: fc.constant('default'),
      family: fc.constant('inet' as const),
      ...way(ipv4),
      ...common,
      tos: fc.integer({ min: 1, max: 0xff }),
      scope,
      preferredSource: ipv4,
    },
    ['destination', 'family', 'gateway'],
  ),
  record({ destination: ipv4, ...way(fc.oneof(ipv4, ipv6)), ...common, scope }, ['destination', 'gateway']),
  record(
    {
      destination: fc.constant('10.0.0.0/8'),
      nexthops: fc.array(
        record({ ...way(ipv4), weight: fc.integer({ min: 1, max: 256 }) }, ['gateway', 'dev', 'weight']),
        { minLength: 2, maxLength: 4 },
      ),
      ...common,
    },
    ['destination', 'nexthops'],
  ),
  record(
    {
      destination: ipv6,
      ...way(ipv6),
      ...common,
      expires: u32,
      preference: fc.constantFrom('low', 'medium', 'high'),
    },
    ['destination', 'gateway', 'dev'],
  ),
  record(
    {
      destination: fc.constant('10.1.0.0/16'),
      nexthopId: fc.integer({ min: 1, max: 0xffff_ffff }),
      ...common,
    },
    ['destination', 'nexthopId'],
  ),
  record(
    {
      destination: fc.constant('10.1.0.0/16'),
      type: fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'throw'),
      ...common,
    },
    ['destination', 'type'],
  ),
) as fc.Arbitrary<RouteSpec>

/** Neighbours of both families. */
export const neighbours: fc.Arbitrary<NeighbourSpec> = record(
  {
    address: fc.oneof(ipv4, ipv6),
    ...{ dev, lladdr },
    state: fc.constantFrom(
      'permanent',
      'reachable',
      'stale',
      'noarp',
      'none',
      'probe',
      'delay',
      'failed',
      'incomplete',
    ),
    ...{
      router: fc.constant(true),
      extern_learn: fc.constant(true),
      use: fc.constant(true),
      managed: fc.constant(true),
    },
    protocol: fc.constantFrom('zebra', 'static', 77),
  },
  ['address', 'dev', 'lladdr'],
) as fc.Arbitrary<NeighbourSpec>
