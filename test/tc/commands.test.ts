/** What is printed as a command is read by a shell as the words it was made of. */
import t from 'tap'
import { filter, gact, mirred, qdisc, trafficClass, type ActionSpec } from '../../src/tc/index.js'
import { run } from '../helpers/iproute2.js'

const place = { dev: 'd0', parent: 'ingress', priority: 10, protocol: 'ip' } as const
const node = { ...place, kind: 'u32', handle: '1:2:3' } as const

/** The words that bash passes on. */
const wordsOf = async (command: string): Promise<string[]> =>
  (await run('bash', ['-c', `printf '%s\\n' ${command}`])).trimEnd().split('\n')

const bytes = Uint8Array.of(8, 0, 1, 0)
const raw: ActionSpec = { kind: 'skbedit', options: bytes, cookie: Uint8Array.of(1) }

t.test('nothing follows a comment', async t => {
  const commands = [
    filter.command('add', {
      ...node,
      classid: '1:1',
      actions: [raw, mirred.redirect('d1'), raw, gact.drop()],
    }),
    filter.command('add', { ...place, kind: 'flower', options: bytes }),
    qdisc.command('add', { dev: 'd0', parent: 'root', kind: 'sfq', options: bytes }),
    trafficClass.command('add', { dev: 'd0', parent: '1:', classid: '1:1', kind: 'drr', options: bytes }),
  ]
  for (const command of commands) t.match(command, /^[^#]+( # TCA_\w+ 08000100)+$/, command)
  t.strictSame(
    (await wordsOf(commands[0]!)).slice(-17),
    'action skbedit cookie 01 action mirred egress redirect dev d1 action skbedit cookie 01 action gact drop'.split(
      ' ',
    ),
    'actions behind a raw one are read',
  )
})

t.test('what a shell would take apart is quoted', async t => {
  const hostile = "a;b 'c' #d"
  const hostiles: string[] = [
    filter.command('add', { ...node, dev: hostile }),
    filter.command('add', { ...node, inputDevice: hostile }),
    filter.command('add', { ...node, actions: [mirred.redirect(hostile)] }),
    filter.command('add', { ...node, actions: [{ ...raw, kind: hostile as 'skbedit' }] }),
    filter.command('add', { ...place, kind: hostile as 'flower' }),
    filter.command('add', { ...place, kind: 'bpf', fd: 3, name: hostile }),
    qdisc.command('add', { dev: 'd0', parent: 'root', kind: hostile as 'sfq' }),
    qdisc.command('delete', { dev: hostile, parent: 'root' }),
    trafficClass.command('add', { dev: 'd0', parent: '1:', classid: '1:1', kind: hostile as 'drr' }),
    trafficClass.command('delete', { dev: hostile, classid: '1:1' }),
  ]
  for (const command of hostiles) t.ok((await wordsOf(command)).includes(hostile), command)
})

t.test('a mark is printed as tc reads it', async t => {
  t.equal(
    filter.command('add', { ...node, mark: { value: 1, mask: 0xff } }),
    'tc filter add dev d0 ingress prio 10 protocol ip handle 1:2:3 u32 ht 1:2: match u32 0x00000000 0x00000000 at 0 match mark 0x00000001 0x000000ff',
  )
})
