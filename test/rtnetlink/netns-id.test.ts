import t from 'tap'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { netnsId } from '../../src/rtnetlink/index.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { run } from '../helpers/iproute2.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

t.test('which namespaces a namespace knows', canCreateNamespaces(), async t => {
  await using here = await NetworkNamespace.create()
  await using there = await NetworkNamespace.create()
  await using rt = await RtnetlinkSocket.open({ netns: here })
  const asked = async (fd: number): Promise<number | undefined> => {
    const [result] = await rt.send([netnsId.ask(fd)])
    t.equal(result?.error, undefined)
    return netnsId.of(result?.replies ?? [])
  }
  t.equal(await asked(there.fd), undefined, 'not at first')
  t.strictSame(
    (await rt.send([netnsId.assign(there.fd)])).map(({ error }) => error?.code),
    [undefined],
  )
  const nsid = await asked(there.fd)
  t.type(nsid, 'number')
  const path = `/proc/${process.pid}/fd/${here.fd}`
  t.match(await run('nsenter', [`--net=${path}`, 'ip', 'netns', 'list-id']), `nsid ${nsid}`)
  t.match(await rt.send([netnsId.assign(there.fd)]), [{ error: { code: 'EEXIST', request: 'RTM_NEWNSID' } }])

  await using back = await RtnetlinkSocket.open({ netns: there })
  const [reply] = await back.send([netnsId.ask(here.fd)])
  t.equal(netnsId.of(reply?.replies ?? []), undefined, 'the other does not know this one')
})
