import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { binding } from '../../../src/native/binding.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { SystemError } from '../../../src/native/system-error.js'
import { link } from '../../../src/rtnetlink/index.js'
import { filter } from '../../../src/tc/index.js'
import { ip } from '../../helpers/iproute2.js'
import { dumpsOf, watchRequests, type Asked } from '../../helpers/kernel-requests.js'
import { replaceMethod } from '../../helpers/replace-method.js'
import type { NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology } from '../isolated-topology.js'

const ENOBUFS = -105

/** Not every kernel has fq_codel. */
const LIMITS = { bloatReduction: 'none' } as const

/** A host with two isolators, as two programs have them; `b` has containers, of which the first is `b-0`. */
async function twoIsolators(t: Test): Promise<{
  host: NamespaceRef
  a: PortMappingIsolator
  b: PortMappingIsolator
  spaces: string[]
  changeOfB: () => Promise<unknown>
}> {
  const {
    topology,
    host,
    isolator: a,
  } = await preparedTopology(t, {
    containers: 9,
    ephemeralPortsPerContainer: 256,
    ...LIMITS,
  })
  const b = await PortMappingIsolator.create({
    ...OPTIONS,
    ...LIMITS,
    ephemeralPortsPerContainer: 256,
    netns: host.name,
  })
  t.teardown(() => b.close())
  const names = topology.containers.map(({ name }) => name)
  const [spaces, ofB] = [names.slice(0, 6), names.slice(6)]
  await b.isolateMany(ofB.map((netns, i) => ({ id: `b-${i}`, netns, ports: [[31_100 + i, 31_100 + i]] })))
  let changes = 0
  const changeOfB = (): Promise<unknown> => b.update('b-0', { ports: [[31_200, 31_200 + (changes++ % 2)]] })
  return { host, a, b, spaces, changeOfB }
}

const unheld = (spaces: readonly string[]) =>
  spaces.map((netns, i) => ({ id: `${netns}-${i}`, netns, ports: [] as [number, number][], hold: false }))

/** What a call looks at, whatever it is about: whole tables, and single interfaces. */
const looks = (asked: Asked) => ({
  links: dumpsOf(asked, link.messages.get),
  filters: dumpsOf(asked, filter.messages.get),
  singles: asked.sent.flat().filter(({ type, isDump }) => type === link.messages.get.type && !isDump).length,
  ioctls: asked.ioctls,
})

t.test('a call lists the links once, and never while notifications are kept', needsIsolation(), async t => {
  const { a, changeOfB, spaces } = await twoIsolators(t)
  await a.isolateMany(unheld(spaces.slice(0, 2)))
  let namespaces = 0
  replaceMethod(
    t,
    NetworkNamespace as Pick<typeof NetworkNamespace, 'open'>,
    'open',
    open =>
      function (reference) {
        namespaces++
        return open.call(NetworkNamespace, reference)
      },
  )
  const during = watchRequests(t)
  /** Calls that change something, of which this one is about no container. */
  const turn = async () => looks(await during(() => a.cleanup('none')))
  await changeOfB()
  t.match(await turn(), { links: 1 }, 'after a change of another: one look')
  await changeOfB()
  const told = await turn()
  t.match(told, { links: 0, filters: 0 }, 'and none from then on')
  const alone = await turn()
  t.match(alone, { links: 0, filters: 0 }, 'nor without a change of another')

  await a.isolateMany(unheld(spaces.slice(2, 5)))
  t.strictSame(await turn(), alone, 'however many containers there are that no name holds')
  await changeOfB()
  namespaces = 0
  const beside = await turn()
  t.equal(namespaces, 0, 'no namespace is opened')
  t.match(beside, { links: 0, filters: 0 })
  t.ok(
    beside.ioctls <= told.ioctls + 1,
    `${beside.ioctls} ioctls beside 5 containers, ${told.ioctls} beside 2`,
  )

  const netns = spaces[5] as string
  const calls: Record<string, () => Promise<unknown>> = {
    isolate: () => a.isolate('one', { netns, ports: '31300' }),
    update: () => a.update('one', { ports: '31301-31302' }),
    'verify(id)': () => a.verify('one'),
    'repair(id)': () => a.repair('one'),
    cleanup: () => a.cleanup('one'),
    isolateMany: () => a.isolateMany([{ id: 'one', netns, ports: [[31_300, 31_300]] }]),
    cleanupMany: () => a.cleanupMany(['one', `${spaces[0]}-0`]),
  }
  for (const [name, call] of Object.entries(calls)) {
    await changeOfB()
    t.match(looks(await during(call)), { links: 0 }, name)
  }
})

t.test('notifications give the same as a list of the links', needsIsolation(), async t => {
  const { host, a, b, changeOfB, spaces } = await twoIsolators(t)
  const [one, two, three] = spaces as [string, string, string]
  await a.isolate('one', { netns: one, ports: '31300', ingressRateLimit: '1MB' })
  const { link: linkOfTwo } = await a.isolate('two', { netns: two, ports: '31301' })
  const successor = await PortMappingIsolator.create({
    ...OPTIONS,
    ...LIMITS,
    ephemeralPortsPerContainer: 256,
    netns: host.name,
  })
  t.teardown(() => successor.close())
  await successor.recover('all')
  for (let i = 0; i < 2; i++) {
    await changeOfB()
    await a.cleanup('none')
  }
  const during = watchRequests(t)
  const seen = async (id: string) => {
    const asked = await during(() => a.cleanup('none'))
    t.equal(dumpsOf(asked, link.messages.get), 0)
    return a.get(id)
  }
  await successor.update('one', { ports: '31302', egressRateLimit: '2MB', ingressRateLimit: '3MB' })
  t.match(await seen('one'), successor.get('one'), 'ports and limits')
  await successor.update('one', { ingressRateLimit: '4MB' })
  t.match(await seen('one'), { ingress: { rate: 4_194_304 } }, 'the limit alone')
  await ip(host.name, `link set ${linkOfTwo} down`)
  await successor.update('two', { ports: '31303', ingressRateLimit: '5MB' })
  t.match(
    await seen('two'),
    successor.get('two'),
    'of a link that is down, of which the kernel does not notify',
  )

  await successor.cleanup('one')
  t.equal(await seen('one'), undefined, 'one that another has removed')
  await b.isolate('b-new', { netns: three, ports: '31304' })
  await t.rejects(
    a.isolate('mine', { netns: one, ports: '31304' }),
    { code: 'ERR_PORTS_OVERLAP', details: { id: 'b-new' } },
    'a new one',
  )
  await t.rejects(
    a.isolate('mine', { netns: three }),
    { code: 'ERR_CONTAINER_EXISTS', details: { id: 'b-new' } },
    'its namespace',
  )
  await b.cleanup('b-new')
  await a.isolate('mine', { netns: three, ports: '31304' })
  t.strictSame(await a.verify('mine'), [])
})

t.test('a queue that has overflowed is a reason to look', needsIsolation(), async t => {
  const { a, b, changeOfB, spaces } = await twoIsolators(t)
  for (let i = 0; i < 2; i++) {
    await changeOfB()
    await a.cleanup('none')
  }
  const [netns] = spaces as [string]
  await b.isolate('b-new', { netns, ports: '31301' })
  let overflown = true
  replaceMethod(
    t,
    binding().Socket.prototype,
    'receiveSync',
    receive =>
      function (timeoutMs) {
        if (!overflown) return receive.call(this, timeoutMs)
        overflown = false
        // As the kernel says it: what it had queued before is there still.
        throw new SystemError(ENOBUFS, 'recvfrom')
      },
  )
  const during = watchRequests(t)
  const asked = await during(() =>
    t.rejects(a.isolate('mine', { netns, ports: '31301' }), {
      code: 'ERR_PORTS_OVERLAP',
      details: { id: 'b-new' },
    }),
  )
  t.match(looks(asked), { links: 1 })
  await changeOfB()
  t.match(
    looks(await during(() => a.cleanup('none'))),
    { links: 0 },
    'after which notifications are kept again',
  )
})
