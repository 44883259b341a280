import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

/** Their roots, mounted nowhere. */
function procfsOpen(): number {
  const look = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  }
  return readdirSync('/proc/self/fd').filter(fd => look(fd) === '/').length
}

t.test('files in /proc are looked for in a procfs of our own', canCreateNamespaces(), async t => {
  const namespaces = await Promise.all(Array.from({ length: 40 }, () => NetworkNamespace.create()))
  const sysctl = 'net.ipv4.ip_default_ttl'
  await Promise.all(namespaces.map((netns, i) => netns.writeSysctl(sysctl, 100 + i)))
  // None at all in a user namespace where something is mounted over a part of /proc.
  t.ok(procfsOpen() <= 3, 'there are few of them')
  const values = await Promise.all(namespaces.map(netns => netns.readSysctl(sysctl)))
  t.strictSame(
    values,
    namespaces.map((_, i) => `${100 + i}`),
    'each namespace has its own values',
  )
  const [first] = namespaces as [NetworkNamespace]
  await t.rejects(first.readSysctl('net.ipv4.none'), {
    code: 'ENOENT',
    path: '/proc/sys/net/ipv4/none',
  })
  for (let i = 0; i < 20 && procfsOpen() > 0; i++) await sleep(100)
  t.equal(procfsOpen(), 0, 'and none when nobody has asked for a while')
  t.equal(await first.readSysctl(sysctl), '100', 'it comes back')
  for (const netns of namespaces) netns.close()
})
