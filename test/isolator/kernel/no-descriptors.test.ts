import { closeSync, openSync } from 'node:fs'
import t, { type Test } from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { canCreateNamespaces } from '../../helpers/privilege.js'

/** Uses up the file descriptors of this process, or all but a few, until `release`. */
function descriptors(t: Test) {
  const taken: number[] = []
  const release = (): void => {
    for (const fd of taken.splice(0)) closeSync(fd)
  }
  t.teardown(release)
  const exhaust = (): void => {
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'))
    } catch {
      // All are taken.
    }
  }
  return { exhaust, release, taken }
}

t.test('sysctls are read and written without a descriptor to spare', canCreateNamespaces(), async t => {
  const { exhaust, release, taken } = descriptors(t)
  await using netns = await NetworkNamespace.create()
  const name = 'net.ipv4.ip_local_port_range'
  exhaust()
  t.throws(() => openSync('/dev/null', 'r'), { code: 'EMFILE' }, 'control')
  await netns.writeSysctl(name, '2000 3000')
  const [first, second] = [await netns.readSysctl(name), await netns.readSysctl(name)]
  t.throws(() => openSync('/dev/null', 'r'), { code: 'EMFILE' }, 'none of the process was closed')
  release()
  t.equal(taken.length, 0)
  t.strictSame(
    [first, second].map(text => text.split(/\s+/)),
    [
      ['2000', '3000'],
      ['2000', '3000'],
    ],
  )
  t.equal(
    (await netns.readSysctl(name)).split(/\s+/)[0],
    '2000',
    'control: by another thread, with descriptors',
  )
})
