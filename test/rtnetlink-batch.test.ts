import t from 'tap'
import { gather, type RtnetlinkBatch } from '../src/rtnetlink-batch.js'
import { linkMessages } from '../src/rtnetlink/link-messages.js'
import { RTM_NEWQDISC } from '../src/tc/messages.js'

const devices = { interfaceIndex: (name: string) => (name === 'v1' ? 7 : 0), interfaceName: () => undefined }

t.test('requests come in the order in which they are asked for', async t => {
  const requests = gather(b => {
    b.links.add({ name: 'v2', kind: 'veth' })
    b.qdiscs.add({ dev: 'v1', kind: 'ingress' })
    b.links.delete('v1')
    b.push({ type: linkMessages.new, flags: 0, body: {} as never })
  }, devices)
  t.same(
    requests.map(({ type }) => type),
    [linkMessages.new, RTM_NEWQDISC, linkMessages.delete, linkMessages.new],
  )
  t.match(requests[1], { body: { ifindex: 7 } })
})

t.test('what is wrong with a spec is thrown where it is given', async t => {
  t.throws(
    () =>
      gather(b => {
        b.qdiscs.add({ dev: 'v9', kind: 'ingress' })
      }, devices),
    { code: 'ENODEV' },
  )
})

t.test('what comes after the batch was sent is refused, not lost', async t => {
  let late: RtnetlinkBatch | undefined
  gather(b => (late = b), devices)
  t.throws(() => late?.links.delete('v1'), {
    message: 'RTM_DELLINK comes too late for its batch: what builds one cannot wait',
  })
})
