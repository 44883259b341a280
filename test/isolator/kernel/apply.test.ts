import t from 'tap'
import { possibleOf, requestsOf } from '../../../src/isolator/kernel/apply.js'
import { planDelete } from '../../../src/isolator/plan/planned.js'
import { filter } from '../../../src/tc/index.js'

t.test('a missing device is asked for once, and what is about it left out', t => {
  const asked: string[] = []
  const devices = {
    interfaceIndex: (name: string): number => {
      asked.push(name)
      return name === 'lo' ? 1 : 0
    },
    interfaceName: () => undefined,
  }
  const planned = ['eth0', 'lo', 'eth0', 'eth0', 'lo'].map((dev, i) =>
    planDelete(filter, {
      dev,
      parent: 'ingress',
      priority: 1020,
      protocol: 'ip',
      kind: 'u32',
      handle: `800::${i + 1}`,
    }),
  )
  t.equal(requestsOf(planned, devices).length, 2)
  t.strictSame(asked, ['eth0', 'lo'])
  t.strictSame(possibleOf(planned, devices), [planned[1], planned[4]])
  t.end()
})
