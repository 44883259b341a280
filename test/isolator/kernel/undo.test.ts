import t from 'tap'
import { IsolatorError } from '../../../src/isolator/isolator-error.js'
import { allOrNothing } from '../../../src/isolator/kernel/undo.js'
import { removeAll } from '../../../src/isolator/kernel/apply.js'
import { plan, planDelete } from '../../../src/isolator/plan/planned.js'
import { link } from '../../../src/rtnetlink/index.js'
import { qdisc } from '../../../src/tc/index.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { canCreateNamespaces } from '../../helpers/privilege.js'

t.test('what cannot be taken back is listed, and the rest is taken back', async t => {
  const done: string[] = []
  const cause = new Error('why it failed')
  const work = allOrNothing(undo => {
    undo.push(() => void done.push('first'))
    undo.push(() =>
      Promise.reject(Object.assign(new Error('EPERM, no right'), { command: 'ip link del dev pm1' })),
    )
    undo.push(() => void done.push('third'))
    return Promise.reject(cause)
  })
  await t.rejects(work, {
    name: 'IsolatorError',
    code: 'ERR_NOT_UNDONE',
    message: /why it failed; .*ip link del dev pm1 \(EPERM, no right\)/,
    cause,
    details: { left: ['ip link del dev pm1 (EPERM, no right)'] },
  })
  t.strictSame(done, ['third', 'first'])
  t.ok(await work.catch(error => error instanceof IsolatorError))
})

t.test(
  'a restoration that fails is no success; a deletion of what is gone is',
  canCreateNamespaces(),
  async t => {
    await using netns = await NetworkNamespace.create()
    await using rt = await RtnetlinkSocket.open({ netns })
    await removeAll(rt, [planDelete(qdisc, { dev: 'lo', kind: 'ingress' }), planDelete(link, 'missing0')])
    const restoration = plan(qdisc, 'change', {
      dev: 'lo',
      parent: 'root',
      handle: '7:',
      kind: 'pfifo',
      limit: 3,
    })
    await t.rejects(removeAll(rt, [restoration]), { code: 'ENOENT' }, 'ENOENT of a change is no success')
    await removeAll(rt, [plan(link, 'change', { dev: 'missing0', mtu: 1400 })])
  },
)
