import { statSync } from 'node:fs'
import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { isNamespaceFile } from '../../../src/netns/handle-file.js'
import { run, runIn } from '../../helpers/iproute2.js'
import { processInside } from '../../helpers/process-inside.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, twoContainers } from '../isolated-topology.js'

const nameOf = (link: string): string => `/run/netns/${link}`

/** As when the mount namespace has gone in which the name was mounted: an empty file is left. */
async function loseName(link: string): Promise<void> {
  await run('umount', [nameOf(link)])
}

/** Whether a container's name leads to a namespace. */
function leadsTo(link: string, { path }: NamespaceRef): boolean {
  return isNamespaceFile(nameOf(link)) && statSync(nameOf(link)).ino === statSync(path).ino
}

t.test('recover() gives names again by the processes inside', needsIsolation(), async t => {
  const { host, isolator, c1, c2 } = await twoContainers(t)
  const [first, second] = isolator.list().map(({ link }) => link) as [string, string]
  await processInside(t, c1)
  await isolator.close()
  await loseName(first)
  await loseName(second)

  const restarted = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.teardown(() => restarted.close())
  t.match(await restarted.recover('all'), { recovered: ['web-1', 'web-2'], missing: [] })
  t.ok(leadsTo(first, c1), 'the name leads to it')
  t.notOk(isNamespaceFile(nameOf(second)), 'one without a process has none')
  t.strictSame(await restarted.verify('web-1'), [])
  t.match(await restarted.verify('web-2'), [{ kind: 'missing', object: /^ip netns attach/ }])
  await t.rejects(restarted.isolate('web-3', { netns: c1.path, ports: '31100' }), {
    code: 'ERR_CONTAINER_EXISTS',
    details: { id: 'web-1' },
  })

  await processInside(t, c2)
  t.match(await restarted.repair('web-2'), { repaired: [{ object: /^ip netns attach/ }], left: [] })
  t.ok(leadsTo(second, c2), 'repair() gives it once a process is there')
  await restarted.update('web-2', { ports: '31008-31011' })
  t.match(await restarted.cleanupMany(['web-1', 'web-2']), [true, true])
  t.notOk(statSync(nameOf(first), { throwIfNoEntry: false }), 'and it goes with the container')
})

t.test(
  'repair() gives a name again to the namespace that had it, and to no other',
  needsIsolation(),
  async t => {
    const { remote, isolator, c1 } = await twoContainers(t)
    const [link] = isolator.list().map(({ link }) => link) as [string]
    await processInside(t, c1)
    await loseName(link)
    t.match(await isolator.repair('web-1'), { repaired: [{ object: /^ip netns attach/ }], left: [] })
    t.ok(leadsTo(link, c1))

    // Root inside has moved its interface into a namespace of its own making.
    await loseName(link)
    await runIn(c1.path, 'ip', 'link', 'set', 'eth0', 'netns', remote.path, 'name', 'moved')
    await processInside(t, remote)
    await run('ip', ['netns', 'del', c1.name])
    t.match(await isolator.repair('web-1'), { left: [{ object: /^ip netns attach/ }] })
    t.notOk(isNamespaceFile(nameOf(link)))
  },
)

/** What root in the second container does, how often names are lost for it, and whose name comes back. */
const MOVED: [
  what: string,
  move: (c1: NamespaceRef, c2: NamespaceRef, own: NamespaceRef) => Promise<unknown>,
  refused: Record<string, RegExp>,
][] = [
  [
    'has its interface in that of another container',
    (c1, c2) => runIn(c2.path, 'ip', 'link', 'set', 'eth0', 'netns', c1.path, 'name', 'moved'),
    { 'web-1': /'web-1'.*same namespace as that of pm2/, 'web-2': /'web-2'.*same namespace as that of pm1/ },
  ],
  [
    'has its interface in a namespace of its own making',
    (_c1, c2, own) => runIn(c2.path, 'ip', 'link', 'set', 'eth0', 'netns', own.path, 'name', 'moved'),
    { 'web-2': /'web-2'.*lo has not the filter/ },
  ],
  [
    'has deleted the filter of its lo',
    (_c1, c2) => runIn(c2.path, 'tc', 'qdisc', 'del', 'dev', 'lo', 'ingress'),
    { 'web-2': /'web-2'.*lo has not the filter/ },
  ],
]

for (const [what, move, refused] of MOVED) {
  t.test(`all names are lost, and root in a container ${what}`, needsIsolation(), async t => {
    const { topology, host, isolator, c1, c2 } = await twoContainers(t, { containers: 3 })
    const own = topology.containers[2]!
    for (const namespace of [c1, c2, own]) await processInside(t, namespace)
    await isolator.close()
    await move(c1, c2, own)
    for (const { info } of [c1, c2]) await loseName(info.link)
    const restarted = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.teardown(() => restarted.destroy())
    const errors: Error[] = []
    restarted.on('error', error => errors.push(error))
    t.match(await restarted.recover('all'), { recovered: ['web-1', 'web-2'] })
    t.match(errors.map(({ message }) => message).sort(), Object.values(refused))
    for (const [id, { info, ...namespace }] of Object.entries({ 'web-1': c1, 'web-2': c2 })) {
      t.equal(leadsTo(info.link, namespace), !(id in refused), id)
      t.equal(isNamespaceFile(nameOf(info.link)), !(id in refused), id)
    }
    t.strictSame(await restarted.cleanupMany(['web-1', 'web-2']), [true, true])
  })
}
