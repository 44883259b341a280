import t from 'tap'
import { whatWouldHelp } from '../../src/native/missing-privilege.js'
import type { Capability, OwnRights } from '../../src/native/own-rights.js'
import { SystemError } from '../../src/native/system-error.js'

const NONE: OwnRights = { has: () => false, isFiltered: false, isFirstUserNamespace: true }

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
    for (const errno of [1, 13]) t.match(whatWouldHelp(errno, syscall, path, NONE), capability, syscall)
    t.equal(whatWouldHelp(22, syscall, path, NONE), undefined, 'control: another failure')
  }
})

t.test('a caller that has the capability learns what else refuses the call', async t => {
  const root: OwnRights = { ...NONE, has: (name: Capability) => name === 'CAP_SYS_ADMIN' }
  const inside: OwnRights = { ...root, isFirstUserNamespace: false }
  const filtered = { isFiltered: true }
  const filter = /^a seccomp filter of this process refuses setns$/
  t.match(whatWouldHelp(1, 'setns', undefined, { ...root, ...filtered }), filter)
  t.match(whatWouldHelp(1, 'setns', undefined, root), /^a security module such as AppArmor or SELinux/)
  const alone = 'CAP_SYS_ADMIN is needed, .*; this process has it in its own user namespace alone'
  t.match(whatWouldHelp(1, 'setns', undefined, inside), new RegExp(`^${alone}$`))
  t.match(
    whatWouldHelp(1, 'setns', undefined, { ...inside, ...filtered }),
    new RegExp(`^${alone}, or a seccomp filter of this process refuses setns$`),
  )
  t.match(
    whatWouldHelp(1, 'unshare', undefined, { ...inside, ...filtered }),
    /^a seccomp filter/,
    'own rights do',
  )
  t.match(whatWouldHelp(1, 'setsockopt', undefined, { ...root, ...filtered }), /^CAP_NET_ADMIN is needed/)
})

t.test('errnos of filters, limits and read-only mounts', async t => {
  const filtered: OwnRights = { ...NONE, isFiltered: true }
  t.match(whatWouldHelp(-38, 'mount', undefined, filtered), /seccomp filter .* mount/)
  t.match(whatWouldHelp(-97, 'socket', undefined, filtered), /seccomp filter .* socket/)
  t.equal(whatWouldHelp(-38, 'pidfd_open', undefined, filtered), undefined, 'old kernels lack it')
  t.equal(whatWouldHelp(-38, 'mount', undefined, NONE), undefined)
  t.match(whatWouldHelp(-28, 'unshare', undefined, NONE), /max_net_namespaces/)
  t.equal(whatWouldHelp(-28, 'write', '/x', NONE), undefined)
  t.match(whatWouldHelp(-30, 'open', '/proc/sys/net/ipv4/ip_forward', NONE), /read-only/)
  t.equal(whatWouldHelp(-30, 'open', '/x', NONE), undefined)
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
