import t from 'tap'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { GROUPS } from './groups.js'
import { HOST_SETTINGS } from './layouts.js'
import { inbound } from './inbound.js'
import { lives } from './lives.js'
import { paths } from './paths.js'
import { attack } from './run.js'
import { RIGHTLY_FAILED, score, scoreTable, unexpected, withoutControl } from './score.js'
import { tricks } from './tricks.js'

/** Without the 33 containers, which take a while and have to do with no setting. */
const EXCEPT_MANY = GROUPS.filter(group => group !== lives)
/** What the guard stops; the rest is controlled by the classic layout. */
const GUARDED = EXCEPT_MANY.filter(group => group !== paths)

t.test(
  'the attacks on our layout, on it without its guard, and on the classic one',
  needsIsolation(),
  async t => {
    const ours = await attack('ours', GROUPS)
    const open = await attack('open', GUARDED)
    const classic = await attack('classic', GROUPS)

    t.strictSame(unexpected(ours), [], 'ours fails only where that is right')
    for (const id of Object.keys(RIGHTLY_FAILED))
      t.ok(ours.get(id), `${id} fails still: else take it off the list`)
    t.strictSame(withoutControl(GROUPS, { open, classic }), [], 'what ours blocks does arrive elsewhere')
    const ids = GROUPS.flatMap(({ checks }) => checks.map(({ id }) => id))
    t.equal(new Set(ids).size, ids.length, 'ids are unique')
    t.ok(ours.size >= 100)
    t.comment(scoreTable(GROUPS, { ours, classic }))
  },
)

t.test('hostile host settings, and options that close what is left', needsIsolation(), async t => {
  // On ours nothing floods, so that several can be attacked at once.
  const settings = Object.entries(HOST_SETTINGS).map(
    async ([name, host]) => [name, await attack('ours', EXCEPT_MANY, host)] as const,
  )
  const options = { fragments: 'allow', neighbours: 'gateway', hostAccess: 'deny' } as const
  const closed = attack('ours', [paths, tricks], { options })
  for (const [name, verdicts] of await Promise.all(settings)) {
    t.strictSame(unexpected(verdicts), [], `the same score: ${name}`)
    t.comment(`${name}: ${score(verdicts)}`)
  }
  const enforced = { egressEnforcement: 'host' } as const
  const behindShaper = await attack('ours', EXCEPT_MANY, { options: enforced })
  t.strictSame(unexpected(behindShaper), [], `the same score: ${JSON.stringify(enforced)}`)
  for (const id of ['G04', 'G05']) t.equal(behindShaper.get(id), undefined, `but for ${id}, which passes`)

  const failed = [...(await closed)].flatMap(([id, verdict]) => (verdict === undefined ? [] : [id]))
  // L05: the host's services are denied, and what is denied is silence (L23).
  t.strictSame(failed.sort(), ['L05', 'L16', 'L23', 'T1'], JSON.stringify(options))
})

t.test('addresses that only a host with hostile settings would believe', needsIsolation(), async t => {
  const open = await attack('open', [inbound], HOST_SETTINGS['all hostile, before create()'])
  for (const id of ['R08', 'R11', 'R27', 'R31', 'R32'])
    t.ok(open.get(id), `${id} reaches the host where MARTIAN does not stop it`)
})
