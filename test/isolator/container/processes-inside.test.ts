import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { linkMessages } from '../../../src/rtnetlink/link-messages.js'
import { netnsIdMessages } from '../../../src/rtnetlink/netns-id-messages.js'
import { run, runIn } from '../../helpers/iproute2.js'
import { watchRequests } from '../../helpers/kernel-requests.js'
import { processInside } from '../../helpers/process-inside.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology, type IsolatedTopology } from '../isolated-topology.js'

interface Containers extends IsolatedTopology {
  readonly namespaces: readonly NamespaceRef[]
}

/** `held-0`, `held-1`, `free-2` and `free-3`, of which no name holds the last two; and namespaces that are no containers. */
async function fourContainers(t: Test): Promise<Containers> {
  const prepared = await preparedTopology(t, { containers: 5 })
  const namespaces = prepared.topology.containers
  for (const [i, { name: netns }] of namespaces.slice(0, 4).entries())
    await prepared.isolator.isolate(`${i < 2 ? 'held' : 'free'}-${i}`, { netns, ports: [], hold: i < 2 })
  return { ...prepared, namespaces }
}

/** What `inspect()` says of the same. */
async function inspected({ host }: Pick<IsolatedTopology, 'host'>): Promise<Record<string, object>> {
  const { containers } = await PortMappingIsolator.inspect({ netns: host.name })
  return Object.fromEntries(
    containers.map(({ id, alive, pids }) => [id, { ...(alive !== undefined && { alive }), pids }]),
  )
}

t.test('the processes in each container', needsIsolation(), async t => {
  const { isolator, host, namespaces } = await fourContainers(t)
  const seen = async (): Promise<object> => Object.fromEntries(await isolator.processes())
  const none = { alive: false, pids: [] }
  const nobody = { 'held-0': none, 'held-1': none, 'free-2': none, 'free-3': none }
  t.strictSame(await seen(), nobody, 'nobody inside')
  const [held, free] = [await processInside(t, namespaces[0]!), await processInside(t, namespaces[2]!)]
  await processInside(t, namespaces[4]!)
  const some = {
    ...nobody,
    ...{ 'held-0': { alive: true, pids: [held] }, 'free-2': { alive: true, pids: [free] } },
  }
  t.strictSame(await seen(), some)
  t.strictSame(await inspected({ host }), some, 'inspect() says the same')

  await runIn(namespaces[0]!.path, 'ip', 'link', 'set', 'eth0', 'netns', namespaces[4]!.name, 'name', 'moved')
  t.strictSame(await seen(), some, 'root inside has moved its interface')
  await run('ip', ['netns', 'delete', 'pm2'])
  const unknown = { ...some, 'held-1': { pids: [] } }
  t.strictSame(await seen(), unknown, 'without its name it is unknown')
  t.strictSame(await inspected({ host }), unknown)

  await isolator.cleanup('free-2')
  t.notOk((await isolator.processes()).has('free-2'))
  await isolator.close()
  await t.rejects(isolator.processes(), { code: 'ERR_ISOLATOR_CLOSED' })
})

t.test('after a restart', needsIsolation(), async t => {
  const { isolator, host, namespaces } = await fourContainers(t)
  const pids = [await processInside(t, namespaces[1]!), await processInside(t, namespaces[3]!)]
  await isolator.close()
  const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.strictSame(await again.processes(), new Map(), 'it has none yet')
  await again.recover('all')
  t.strictSame(
    [...(await again.processes()).values()].flatMap(({ pids }) => pids),
    pids,
  )
  await again.destroy()
})

t.test(
  'of each container one attribute of its link is read, and nothing is dumped',
  needsIsolation(),
  async t => {
    const { isolator } = await fourContainers(t)
    const during = watchRequests(t)
    const messages = (await during(() => isolator.processes())).sent.flat()
    const isDump = ({ isDump }: (typeof messages)[number]): boolean => isDump
    t.strictSame(messages.filter(isDump), [])
    const types = messages.map(({ type }) => type)
    t.equal(types.filter(type => type === linkMessages.get.type).length, 2, 'those that no name holds')
    t.strictSame(
      new Set(types),
      new Set([netnsIdMessages.get.type, linkMessages.get.type]),
      'beside that namespaces alone are asked for',
    )
    t.ok((await during(() => isolator.verify())).sent.flat().some(isDump), 'a dump would have been seen')
  },
)
