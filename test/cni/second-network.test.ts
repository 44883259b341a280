import { IsolatorError } from 'rtnetlink'
import t from 'tap'
import { refusalOfSecondNetwork } from '../../cni/src/plug-in/second-network.js'

const overlap = (id: string) => new IsolatorError('ERR_PORTS_OVERLAP', 'it has the port', { details: { id } })

t.test('a container in a second network', async t => {
  for (const code of ['ERR_PORTS_OVERLAP', 'ERR_CONTAINER_EXISTS'] as const) {
    const error = new IsolatorError(code, 'in the way', { details: { id: 'shared:web' } })
    t.match(refusalOfSecondNetwork(error, 'second:web:eth1'), {
      code: 107,
      message: /^the container is in network 'shared' already, by its interface eth0, /,
      details: 'in the way',
    })
  }
  t.match(refusalOfSecondNetwork(overlap('shared:web:net1'), 'shared:web'), {
    message: /by its interface net1/,
  })
})

t.test('other errors are as they were', async t => {
  const others: [error: unknown, id: string][] = [
    [overlap('shared:other'), 'shared:web'],
    [overlap('shared:web'), 'shared:web'],
    [new IsolatorError('ERR_PORTS_UNMANAGED', 'not ours', { details: {} }), 'shared:web'],
    [new Error('shared:web'), 'second:web'],
  ]
  for (const [error, id] of others) t.equal(refusalOfSecondNetwork(error, id), error)
})
