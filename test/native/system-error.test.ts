import t from 'tap'
import { SystemError } from '../../src/native/system-error.js'

t.test('looks like a system error of Node', async t => {
  const error = new SystemError(24, 'socket')
  t.equal(error.message, 'EMFILE: too many open files, socket')
  t.match(error, { name: 'SystemError', code: 'EMFILE', errno: -24, syscall: 'socket' })
  t.notOk('path' in error)
  t.ok(error instanceof Error)
})

t.test('a refusal says which privilege is missing', async t => {
  const needed: [syscall: string, path: string | undefined, capability: RegExp][] = [
    ['setns', undefined, /CAP_SYS_ADMIN/],
    ['unshare', undefined, /CAP_SYS_ADMIN/],
    ['mount', '/run/netns/x', /CAP_SYS_ADMIN/],
    ['umount2', '/run/netns/x', /CAP_SYS_ADMIN/],
    ['socket', undefined, /CAP_NET_RAW/],
    ['bind', undefined, /CAP_NET_BIND_SERVICE/],
    ['setsockopt', undefined, /CAP_NET_ADMIN/],
    ['open', '/proc/sys/net/ipv4/ip_forward', /CAP_NET_ADMIN/],
    ['write', '/proc/sys/net/ipv4/ip_forward', /CAP_NET_ADMIN/],
    ['open', '/proc/sys/kernel/hostname', /root/],
    ['open', '/proc/1/ns/net', /CAP_SYS_PTRACE/],
    ['mkdir', '/run/netns', /CAP_DAC_OVERRIDE/],
  ]
  for (const [syscall, path, capability] of needed) {
    for (const errno of [1, 13]) t.match(new SystemError(errno, syscall, path).message, capability, syscall)
    t.notMatch(new SystemError(22, syscall, path).message, capability, 'control: another failure')
  }
})

t.test('names the file it is about', async t => {
  const error = new SystemError(-2, 'open', '/nowhere')
  t.equal(error.message, "ENOENT: no such file or directory, open '/nowhere'")
  t.match(error, { code: 'ENOENT', errno: -2, path: '/nowhere' })
})

t.test('leaves acronyms as they are', async t => {
  t.equal(new SystemError(72, 'x').message, 'EMULTIHOP: multihop attempted, x')
  t.equal(new SystemError(73, 'x').message, 'EDOTDOT: RFS specific error, x')
})
