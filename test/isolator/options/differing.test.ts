import t from 'tap'
import { differingOptions } from '../../../src/isolator/options/differing.js'
import type { PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'

const base = { ephemeralPorts: '32768-57343' } as const

t.test('what means the same does not differ', async t => {
  const same: [PortMappingIsolatorOptions, PortMappingIsolatorOptions][] = [
    [base, { ephemeralPorts: [[32768, 57343]] }],
    [base, { ephemeralPorts: '40000-57343,32768-39999' }],
    [
      base,
      { ...base, ephemeralPortsPerContainer: 1024, fragments: 'drop', routes: 'host', hostAccess: 'allow' },
    ],
    [
      { ...base, egressRateLimitPerContainer: '37500KB' },
      { ...base, egressRateLimitPerContainer: 38_400_000 },
    ],
    [
      { ...base, hostAccess: '80,443' },
      { ...base, hostAccess: '443,80' },
    ],
    [
      { ...base, netns: 'web' },
      { ...base, netns: '/run/netns/web' },
    ],
  ]
  for (const [one, other] of same) {
    t.strictSame(differingOptions(one, other), [], JSON.stringify(other))
    t.strictSame(differingOptions(other, one), [], JSON.stringify(other))
  }
})

t.test('the names of what differs', async t => {
  const different: [PortMappingIsolatorOptions, string[]][] = [
    [{ ephemeralPorts: '32768-57342' }, ['ephemeralPorts']],
    [{ ...base, ports: '31000', hostAccess: 'deny' }, ['ports', 'hostAccess']],
    [{ ...base, hostAccess: '80' }, ['hostAccess']],
    [
      { ...base, egressRateLimitPerContainer: '1MB', egressCeilLimit: '2MB', egressBurst: 9 },
      ['egressRateLimitPerContainer', 'egressCeilLimit', 'egressBurst'],
    ],
  ]
  for (const [other, names] of different) {
    t.strictSame(differingOptions(base, other), names)
    t.strictSame(differingOptions(other, base).sort(), [...names].sort())
  }
  t.throws(() => differingOptions(base, { ...base, fragments: 'no' as never }), {
    code: 'ERR_INVALID_OPTION',
  })
})
