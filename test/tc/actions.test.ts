import t from 'tap'
import { filter, gact, mirred, type ActionSpec, type FilterSpec } from '../../src/tc/index.js'
import { again, devices, sent } from './encode.js'

const node = { dev: 'd0', parent: 'ingress', priority: 10, protocol: 'ip', kind: 'u32' } as const

const filterWith = (action: ActionSpec): FilterSpec => ({ ...node, handle: '1:2:3', actions: [action] })

interface SentAction {
  options: { parms: { index: number } } | Uint8Array
}

/** The action as it goes to the kernel. */
const sentAction = (action: ActionSpec): SentAction => {
  const { actions } = sent(filter, filterWith(action)).attributes['options'] as { actions: SentAction[] }
  return actions[0]!
}

/** The action as the kernel would list it, with a number and so many references. */
function listed(action: ActionSpec, index: number, references: number): ActionSpec {
  const found = again(filter, filterWith(action))
  const state = { ...(found.kind === 'u32' ? found.actions?.[0] : undefined), index, references }
  return state as unknown as ActionSpec
}

const u32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, 0, 0]
/** TCA_SKBEDIT_TM, then TCA_SKBEDIT_PARMS: index, capab, action, refcnt, bindcnt. */
const skbedit = (index: number, references: number, tm = true): Uint8Array =>
  Uint8Array.from([
    ...(tm ? [36, 0, 1, 0, ...new Array<number>(32).fill(1)] : []),
    ...[24, 0, 2, 0, ...u32(index), ...u32(0), ...u32(3), ...u32(references), ...u32(references)],
  ])

t.test('a number that is given goes to the kernel', async t => {
  for (const action of [gact.drop(), mirred.redirect('d1')]) {
    t.match(sentAction({ ...action, index: 9 }), { options: { parms: { index: 9 } } })
    t.match(sentAction(action), { options: { parms: { index: 0 } } })
    t.throws(() => sentAction({ ...action, index: -1 }), /index is -1/)
    t.match(filter.command('add', filterWith({ ...action, index: 9 })), / index 9$/)
  }
  const raw: ActionSpec = { kind: 'skbedit', options: skbedit(0, 0, false), index: 9 }
  t.strictSame(sentAction(raw).options, skbedit(9, 0, false))
  t.throws(() => sentAction({ kind: 'skbedit', index: 9 }), /^.*index: it is not known/)
})

t.test('the number of a listed action is not asked for again', async t => {
  t.match(sentAction(listed(gact.drop(), 7, 1)), { options: { parms: { index: 0 } } })
  const found = again(filter, filterWith({ kind: 'skbedit', options: skbedit(7, 1) }))
  const [action] = found.kind === 'u32' ? (found.actions ?? []) : []
  t.match(action, { kind: 'skbedit', index: 7, references: 1, bindings: 1 }, 'raw ones have a number too')
  t.strictSame(sentAction(action!).options, skbedit(0, 0, false), 'nor are the times given')
})

t.test('a listed action that is shared is refused by name', async t => {
  const shared = listed(gact.drop(), 7, 2)
  t.throws(() => filter.toNew(filterWith(shared), devices, 'add'), {
    name: 'TypeError',
    message: /index: this gact action was listed with number 7 and 2 references/,
  })
  const { references: _, ...without } = shared as ActionSpec & { references: number }
  t.match(sentAction(without), { options: { parms: { index: 7 } } }, 'and can be shared')
})

t.test('a listed action of which nothing is known is refused', async t => {
  const action = listed({ kind: 'other' as 'vlan', options: skbedit(7, 1) }, 0, 0)
  t.throws(() => sentAction(action), /options: this other action was listed/)
})

t.test('what actions of every kind can have', async t => {
  const cases: readonly ActionSpec[] = [
    { ...gact.drop(), hwStats: 'disabled', noPercpu: true },
    {
      ...mirred.mirror('d1', { direction: 'egress', then: 'pipe' }),
      hwStats: 'immediate',
      skipHardware: true,
    },
    { ...gact.pass(), hwStats: 'delayed', skipSoftware: true },
    { ...gact.pass(), random: { type: 'netrand', oneIn: 5, then: 'drop' } },
    { ...gact.pass(), random: { type: 'determ', oneIn: 7, then: { goto: 3 } } },
  ]
  for (const action of cases) t.match(again(filter, filterWith(action)), { actions: [action] })
  const refused = { ...gact.pass(), random: { type: 'netrand' as const, oneIn: 0, then: 'drop' as const } }
  t.throws(() => sentAction(refused), /oneIn is 0/)
})
