import { constants } from 'node:os'
import t from 'tap'
import { errnoName, errnoText } from '../../src/native/errno.js'

t.test('names what Node knows as Node does', async t => {
  const aliases: Record<string, string> = { EWOULDBLOCK: 'EAGAIN', ENOTSUP: 'EOPNOTSUPP' }
  for (const [name, number] of Object.entries(constants.errno)) {
    t.equal(errnoName(number), aliases[name] ?? name)
  }
})

t.test('names what Node does not know', async t => {
  t.equal(errnoName(122), 'EDQUOT')
  t.equal(errnoName(524), 'ENOTSUPP')
  t.equal(errnoName(999), 'E999')
})

t.test('takes either sign', async t => {
  t.equal(errnoName(-17), 'EEXIST')
  t.equal(errnoText(-17), 'File exists')
  t.equal(errnoText(17), 'File exists')
})

t.test('says what it means', async t => {
  t.equal(errnoText(-19), 'No such device')
  t.equal(errnoText(-524), 'Operation is not supported')
  t.equal(errnoText(-999), 'Unknown error 999')
})
