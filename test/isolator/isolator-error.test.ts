import t from 'tap'
import { IsolatorError } from '../../src/isolator/isolator-error.js'

t.test('code, details, cause', async t => {
  const cause = new Error('EEXIST')
  const error = new IsolatorError('ERR_FOREIGN_STATE', 'A table is in the way', {
    details: { table: 8 },
    cause,
  })
  t.ok(error instanceof Error)
  t.match(error, {
    name: 'IsolatorError',
    code: 'ERR_FOREIGN_STATE',
    message: 'A table is in the way',
    details: { table: 8 },
  })
  t.equal(error.cause, cause)
  t.match(error.stack, /^IsolatorError: A table is in the way/)
  const plain = new IsolatorError('ERR_CONTAINER_UNKNOWN', 'No container web-1')
  t.strictSame(plain.details, {})
  t.notOk('cause' in plain)
})
