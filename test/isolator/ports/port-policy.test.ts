import t, { type TAP as Tap } from 'tap'
import { checkPortPlan, type PortPlan } from '../../../src/isolator/ports/port-policy.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'

type Texts = Partial<Record<'ports' | 'ephemeralPorts' | 'hostEphemeralPorts' | 'hostReservedPorts', string>>

/** The example of the Mesos documentation, with changes. */
const plan = (
  { ports, ephemeralPorts, hostEphemeralPorts, hostReservedPorts }: Texts,
  rest: Partial<PortPlan> = {},
): PortPlan => ({
  ports: PortRanges.from(ports ?? '31000-32000'),
  ephemeralPorts: PortRanges.from(ephemeralPorts ?? '32768-57344'),
  hostEphemeralPorts: PortRanges.from(hostEphemeralPorts ?? '57345-61000'),
  ...(hostReservedPorts && { hostReservedPorts: PortRanges.from(hostReservedPorts) }),
  ephemeralPortsPerContainer: 1024,
  reserveHostPorts: false,
  ...rest,
})

const accepts = (t: Pick<Tap, 'doesNotThrow'>, about: string, given: PortPlan) =>
  t.doesNotThrow(() => checkPortPlan(given), about)

t.test('sound plans', async t => {
  accepts(t, 'the example of the Mesos documentation', plan({}))
  accepts(t, 'no non-ephemeral ports', plan({ ports: '' }))
  accepts(t, 'up to the last port', plan({ ports: '61001-65535' }))
  accepts(t, 'right behind the well-known ports', plan({ ports: '1024-2000' }))
  accepts(t, 'sets that touch', plan({ ports: '32000-32767' }))
  accepts(t, 'room for exactly one container', plan({ ephemeralPorts: '32768-33791' }))
  accepts(t, 'the smallest range', plan({ ephemeralPorts: '32768-32775' }, { ephemeralPortsPerContainer: 8 }))
  accepts(t, 'no power of two', plan({}, { ephemeralPortsPerContainer: 1000 }))
})

t.test('overlaps', async t => {
  for (const [about, given, overlap] of [
    ['ephemeral with non-ephemeral, by one port', plan({ ports: '31000-32768' }), '32768'],
    ['non-ephemeral with well-known', plan({ ports: '1023-2000' }), '1023'],
    ['ephemeral with well-known', plan({ ephemeralPorts: '512-3071' }), '512-1023'],
    ['port 0', plan({ ports: '0' }), '0'],
    ['ephemeral with the host’s, by one port', plan({ hostEphemeralPorts: '57344-61000' }), '57344'],
    ['non-ephemeral with the host’s, by one port', plan({ ports: '61000-62000' }), '61000'],
    ['everything', plan({ ephemeralPorts: '1024-65535', ports: '' }), '57345-61000'],
  ] as const) {
    t.throws(
      () => checkPortPlan(given),
      { name: 'IsolatorError', code: 'ERR_PORTS_OVERLAP', details: { overlap } },
      about,
    )
  }
  t.throws(() => checkPortPlan(plan({ ports: '31000-32768' })), {
    message: 'ephemeralPorts 32768-57344 and ports 31000-32768 have 32768 in common: they must be disjoint',
  })
})

t.test('an overlap with the host’s range names the command that ends it', async t => {
  for (const [about, given, range] of [
    ['the range of the Mesos documentation', plan({ hostEphemeralPorts: '32768-61000' }), '57345 61000'],
    ['ends of different parity', plan({ hostEphemeralPorts: '32768-60999' }), '57346 60999'],
    ['the longest part of the host’s range', plan({ hostEphemeralPorts: '10000-61000' }), '10000 30999'],
    ['nothing left of the host’s range', plan({ hostEphemeralPorts: '32768-57344' }), '1024 30999'],
    ['too little left of the host’s range', plan({ hostEphemeralPorts: '32768-58000' }), '1024 30999'],
  ] as const) {
    const sysctl = `sysctl -w net.ipv4.ip_local_port_range="${range}"`
    t.throws(() => checkPortPlan(given), { code: 'ERR_PORTS_OVERLAP', details: { sysctl } }, about)
    const error = t.throws(() => checkPortPlan(given)) as Error
    t.ok(error.message.includes(`run \`${sysctl}\``), error.message)
    const [begin = 0, end = 0] = range.split(' ').map(Number)
    const moved = { ...given, hostEphemeralPorts: PortRanges.from([[begin, end]]) }
    accepts(t, `${about}: after it the plan is sound`, moved)
    t.equal((begin ^ end) & 1, 1, 'the kernel does not warn about it')
  }
  const full = plan({ ports: '', ephemeralPorts: '1024-65000', hostEphemeralPorts: '32768-60999' })
  t.throws(() => checkPortPlan(full), {
    message: /and no 1024 ports in a row are left for the host$/,
    details: { overlap: '32768-60999' },
  })
})

t.test('reserveHostPorts', async t => {
  const reserve = { reserveHostPorts: true }
  accepts(t, 'overlap is allowed', plan({ hostEphemeralPorts: '32768-60999' }, reserve))
  accepts(t, '1,024 ports remain', plan({ hostEphemeralPorts: '56321-58368' }, reserve))
  t.throws(() => checkPortPlan(plan({ hostEphemeralPorts: '56321-58367' }, reserve)), {
    code: 'ERR_PORTS_OVERLAP',
    message:
      /^Reserving 56321-57344 would leave the host 1023 of its ephemeral ports 56321-58367: at least 1024/,
  })
  accepts(t, 'a small host range that is not touched', plan({ hostEphemeralPorts: '60000-60100' }, reserve))
  const reserved = { hostEphemeralPorts: '32768-60999', hostReservedPorts: '58000-60999,8080' }
  t.throws(
    () => checkPortPlan(plan(reserved, reserve)),
    { message: /would leave the host 655 of/ },
    'others have reserved some',
  )
  t.throws(
    () => checkPortPlan(plan({ ports: '80' }, reserve)),
    { code: 'ERR_PORTS_OVERLAP' },
    'well-known ports stay refused',
  )
})

t.test('room for one container at least', async t => {
  for (const count of [7, 0, -1, 8.5, NaN, Infinity, '1024' as unknown as number]) {
    t.throws(
      () => checkPortPlan(plan({}, { ephemeralPortsPerContainer: count })),
      {
        code: 'ERR_INVALID_OPTION',
        message: /^ephemeralPortsPerContainer is .*: expected a whole number of at least 8/,
      },
      String(count),
    )
  }
  t.throws(() => checkPortPlan(plan({ ephemeralPorts: '' })), {
    code: 'ERR_INVALID_OPTION',
    message: /ephemeralPorts is empty/,
  })
  for (const ephemeralPorts of ['32768-33790', '32769-34814', '32768-33279,33281-33792']) {
    t.throws(
      () => checkPortPlan(plan({ ephemeralPorts })),
      { code: 'ERR_INVALID_OPTION', message: /has no room for one container with 1024 ports in a row/ },
      ephemeralPorts,
    )
  }
})
