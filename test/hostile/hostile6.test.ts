import t from 'tap'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { controlOf, isFrame, type Check, type Group } from './check.js'
import { TWIN } from './family.js'
import { GROUPS, GROUPS6 } from './groups.js'
import { inbound6 } from './inbound6.js'
import { HOST_SETTINGS, type HostSettings } from './layouts.js'
import { lives6 } from './lives.js'
import { paths6 } from './paths6.js'
import { attack } from './run.js'
import { RIGHTLY_FAILED6, score, unexpected, withoutControl } from './score.js'
import { WITHOUT_TWIN } from './twins.js'

const inet6 = { inet6: true } as const

const only = (groups: readonly Group[], wanted: (check: Check) => boolean): Group[] =>
  groups.map(({ name, checks }) => ({ name, checks: checks.filter(wanted) }))

/** Without the 33 containers, which take a while and have to do with no setting. */
const EXCEPT_MANY = GROUPS6.filter(group => group !== lives6)
const FRAMES = only(GROUPS6, isFrame)

/** On ours nothing floods, so that several can be attacked at once. */
const VARIANTS: Readonly<Record<string, { groups: readonly Group[]; settings: HostSettings }>> = {
  // With the frames of IPv4 too: programs and tables serve both families.
  'by default': { groups: [...GROUPS6, ...only(GROUPS, isFrame)], settings: {} },
  "egressEnforcement: 'host'": {
    groups: EXCEPT_MANY,
    settings: { options: { egressEnforcement: 'host' } },
  },
  ...Object.fromEntries(
    Object.entries(HOST_SETTINGS).map(([name, settings]) => [name, { groups: EXCEPT_MANY, settings }]),
  ),
}

t.test(
  'the attacks by IPv6, by default, behind a shaper and with hostile host settings',
  needsIsolation(),
  async t => {
    const results = await Promise.all(
      Object.entries(VARIANTS).map(
        async ([name, { groups, settings }]) =>
          [name, await attack('ours', groups, { ...settings, ...inet6 })] as const,
      ),
    )
    for (const [name, verdicts] of results) {
      t.strictSame(unexpected(verdicts), [], `fails only where that is right: ${name}`)
      t.comment(`${name}: ${score(verdicts)}`)
    }
    const [[, byDefault], [, enforced]] = results as [(typeof results)[0], (typeof results)[0]]
    for (const id of Object.keys(RIGHTLY_FAILED6))
      t.ok(byDefault.get(id), `${id} fails still: else take it off the list`)
    for (const id of ['6G04', '6G05']) t.equal(enforced.get(id), undefined, `behind a shaper ${id} passes`)
  },
)

t.test('what ours blocks does arrive elsewhere', needsIsolation(), async t => {
  const open = await attack(
    'open',
    only(GROUPS6, check => controlOf(check) === 'open'),
    inet6,
  )
  const classic = await attack(
    'classic',
    only(GROUPS6, check => controlOf(check) === 'classic'),
    inet6,
  )
  t.strictSame(withoutControl(GROUPS6, { open, classic }), [])
  t.comment(`without its guard: ${score(open)}; the classic layout: ${score(classic)}`)
})

t.test('options that open or close what is left', needsIsolation(), async t => {
  const failed = async (groups: readonly Group[], options: HostSettings['options']): Promise<string[]> => {
    const verdicts = await attack('ours', groups, { ...inet6, ...(options && { options }) })
    return [...verdicts].flatMap(([id, verdict]) => (verdict === undefined ? [] : [id])).sort()
  }
  const [prefix, multicast, denied] = await Promise.all([
    failed(FRAMES, { neighbours6: 'prefix' }),
    failed(FRAMES, { multicast: 'allow' }),
    failed([paths6], { hostAccess: 'deny' }),
  ])
  // Any neighbour may be looked for, and what neighbours answer is for everyone.
  t.strictSame(prefix, ['6A43', '6R20', 'NA8', 'NS1', 'NS2', 'NS24'], "neighbours6: 'prefix'")
  t.strictSame(
    multicast,
    ['6A19', '6A43', '6D01', '6D02', '6D03', 'D12.5', 'D12.6', 'D12.7', 'D12.8'],
    "multicast: 'allow'",
  )
  t.strictSame(denied, ['6L05', '6L12', '6L13', '6L16', '6L23', 'L40'], "hostAccess: 'deny'")
})

t.test('the rows of IPv6', async t => {
  const idsOf = (groups: readonly Group[]) => groups.flatMap(({ checks }) => checks.map(({ id }) => id))
  const ids = new Set(idsOf([...GROUPS, ...GROUPS6]))
  t.equal(ids.size, idsOf([...GROUPS, ...GROUPS6]).length, 'ids are unique')
  t.strictSame(
    idsOf(GROUPS).filter(id => !ids.has(TWIN + id) && !(id in WITHOUT_TWIN)),
    [],
    'each of IPv4 has a twin, or a reason to have none',
  )
  t.strictSame(
    Object.keys(WITHOUT_TWIN).filter(id => !idsOf(GROUPS).includes(id) || ids.has(TWIN + id)),
    [],
    'no reason is left over',
  )
  t.ok(idsOf(GROUPS6).length >= 500)
  t.ok(idsOf([inbound6]).length >= 80)
})
