import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { expectSame, snapshot } from '../helpers/leaks.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

/** Runs fixtures/in-worker.ts in a worker thread, to its end. */
async function inWorker(): Promise<unknown> {
  const name = `l${randomBytes(4).toString('hex')}w`
  const worker = new Worker(new URL('fixtures/in-worker.ts', import.meta.url), {
    workerData: name,
    execArgv: process.execArgv,
  })
  const exited = once(worker, 'exit')
  const [told] = (await once(worker, 'message')) as [unknown]
  await exited
  return told
}

t.test('in worker threads', canCreateNamespaces(), async t => {
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  await inWorker()
  const before = await snapshot()
  const expected = { forward: '1', equal: true, stayed: true, open: true }
  t.same(await Promise.all([inWorker(), inWorker()]), [expected, expected])
  await expectSame(t, before)
  process.off('warning', listen)
  t.same(warnings, [], 'Node knows of all file descriptors')
})
