import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { createTopology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

const CLOSED = { name: 'IsolatorError', code: 'ERR_ISOLATOR_CLOSED', message: 'the isolator is closed' }

/** Every public method that does something. */
const calls = (netns: string): Record<string, (isolator: PortMappingIsolator) => unknown> => ({
  recover: isolator => isolator.recover([]),
  isolate: isolator => isolator.isolate('web-2', { netns }),
  isolateMany: isolator => isolator.isolateMany([]),
  update: isolator => isolator.update('web-1', { ports: '31000' }),
  refuseHostSockets: isolator => isolator.refuseHostSockets('web-1', '31000'),
  cleanup: isolator => isolator.cleanup('web-1'),
  cleanupMany: isolator => isolator.cleanupMany(['web-1']),
  list: isolator => isolator.list(),
  get: isolator => isolator.get('web-1'),
  usage: isolator => isolator.usage('web-1'),
  usageAll: isolator => isolator.usageAll(),
  processes: isolator => isolator.processes(),
  verify: isolator => isolator.verify(),
  'verify one': isolator => isolator.verify('web-1'),
  repair: isolator => isolator.repair(),
  'repair one': isolator => isolator.repair('web-1'),
  watch: isolator => isolator.watch('web-1'),
  on: isolator => isolator.on('gone', () => undefined),
  explain: isolator => isolator.explain(),
  'explain one': isolator => isolator.explain('web-1'),
  destroy: isolator => isolator.destroy(),
})

t.test('a closed isolator does nothing more, and says so', needsIsolation(), async t => {
  await using topology = await createTopology({ prefix: 'i' })
  const { host } = topology
  const create = () => PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  const isolator = await create()
  const [first, second] = topology.containers.map(({ name }) => name) as [string, string]
  await isolator.isolate('web-1', { netns: first })
  const watched = isolator.watch('web-1')
  await Promise.all([isolator.close(), t.rejects(watched, CLOSED)])
  await changesNothing(t, [host], async () => {
    for (const [name, call] of Object.entries(calls(second)))
      await t.rejects(async () => await call(isolator), CLOSED, name)
  })
  t.doesNotThrow(() => isolator.off('gone', () => undefined), 'a listener can be taken back')
  await isolator.close()
  await isolator[Symbol.asyncDispose]()
  await (await create()).destroy()
})

t.test('one that is being destroyed takes nothing in', needsIsolation(), async t => {
  await using topology = await createTopology({ containers: 0, prefix: 'i' })
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: topology.host.name })
  const destroyed = isolator.destroy()
  await t.rejects(isolator.repair(), { ...CLOSED, message: 'the isolator is being destroyed' })
  await destroyed
  await t.rejects(isolator.destroy(), CLOSED)
})
