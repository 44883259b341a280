import t, { type Test } from 'tap'
import type { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { Verbs } from '../../src/rtnetlink-verbs.js'
import { ip, tc } from '../helpers/iproute2.js'
import { replaceMethod } from '../helpers/replace-method.js'
import { needsIsolation, preparedTopology } from './isolated-topology.js'

/** A node of 31000-31007, and the mirror node of the first slot: as a container will have them. */
const NODES = [
  'dev eth0 ingress prio 1020 protocol ip handle 11e:11:3 u32 ht 11e:11: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev gone',
  'dev pmcopies ingress prio 1020 protocol all handle 3:0:1 u32 ht 3:0: match u32 0 0 at 0 action mirred egress mirror dev gone',
]
const place = (node: string): string => node.replace(/ u32.*/, ' u32')

/** Has something happen, once, between what a list of the filters of a node's device finds and what is made of it. */
function afterTheNextLook(t: Test, node: string, happening: () => Promise<unknown>): { looked: boolean } {
  const state = { looked: false }
  replaceMethod(
    t,
    Verbs.prototype,
    'list',
    list =>
      function (this: unknown, ...query: unknown[]) {
        const { dev, parent } = (query[0] ?? {}) as { dev?: string; parent?: string }
        const found = Reflect.apply(list, this, query) as Promise<unknown>
        if (state.looked || !node.includes(`dev ${dev} `) || parent !== 'ingress') return found
        state.looked = true
        return found.then(async filters => {
          await happening()
          return filters
        })
      } as typeof list,
  )
  return state
}

for (const node of NODES) {
  t.test(
    `repair() leaves ${place(node)} to a container that came after its look`,
    needsIsolation(),
    async t => {
      const { isolator, host, topology } = await preparedTopology(t, { containers: 1 })
      const [c1] = topology.containers
      const web1: Parameters<PortMappingIsolator['isolate']> = [
        'web-1',
        { netns: c1!.name, ports: '31000-31007' },
      ]
      await ip(host.name, 'link add gone type veth peer name lost')
      await tc(host.name, `filter add ${node}`)
      await ip(host.name, 'link del gone')

      await t.test('it is mended where no container comes', async t => {
        const { repaired, left } = await isolator.repair()
        // What copies to nobody is taken away by the first change of an isolator, as what is left of a container that has ended.
        t.strictSame([repaired.length, left], [node.includes('pmcopies') ? 0 : 1, []])
        await t.rejects(tc(host.name, `filter del ${place(node)}`))
      })

      await ip(host.name, 'link add gone type veth peer name lost')
      await tc(host.name, `filter add ${node}`)
      await ip(host.name, 'link del gone')
      const state = afterTheNextLook(t, node, async () => {
        await tc(host.name, `filter del ${place(node)}`)
        await isolator.isolate(...web1)
      })
      t.strictSame(await isolator.repair(), { repaired: [], left: [] })
      t.ok(state.looked, 'control: the container came after the look')
      t.strictSame(await isolator.verify(), [], 'the container has all that it needs')
    },
  )
}
