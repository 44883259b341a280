import t from 'tap'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { GROUPS } from './groups.js'
import { HOST_SETTINGS } from './layouts.js'
import { attack } from './run.js'
import { RIGHTLY_FAILED, score, scoreTable, unexpected, withoutControl } from './score.js'

t.test(
  'the attacks on our layout, on it without its guard, and on the classic one',
  needsIsolation(),
  async t => {
    const ours = await attack('ours', GROUPS)
    const open = await attack('open', GROUPS)
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

for (const [settings, host] of Object.entries(HOST_SETTINGS)) {
  t.test(`host settings: ${settings}`, needsIsolation(), async t => {
    const verdicts = await attack('ours', GROUPS, host)
    t.strictSame(unexpected(verdicts), [], 'the same score')
    t.comment(score(verdicts))
  })
}

t.test('addresses that only a host with hostile settings would believe', needsIsolation(), async t => {
  const open = await attack('open', GROUPS, HOST_SETTINGS['all hostile, before create()'])
  for (const id of ['R08', 'R11', 'R27'])
    t.ok(open.get(id), `${id} reaches the host where MARTIAN does not stop it`)
})
