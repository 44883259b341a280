import t from 'tap'
import { SystemError } from '../../src/native/system-error.js'

t.test('looks like a system error of Node', async t => {
  const error = new SystemError(1, 'socket')
  t.equal(error.message, 'EPERM: operation not permitted, socket')
  t.match(error, { name: 'SystemError', code: 'EPERM', errno: -1, syscall: 'socket' })
  t.notOk('path' in error)
  t.ok(error instanceof Error)
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
