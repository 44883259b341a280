import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { callPlugIn } from '../../cni/src/plug-in/call-plug-in.js'

const CALL = { environment: { CNI_COMMAND: 'VERSION', CNI_ARGS: '' }, input: '{"cniVersion":"1.0.0"}' }

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'call-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** A daemon that answers every call in the same way. */
async function daemon(
  t: Test,
  answer: (connection: Socket) => void,
): Promise<{ path: string; calls: string[] }> {
  const path = join(folderOf(t), 'cni.sock')
  const calls: string[] = []
  const server = createServer({ allowHalfOpen: true }, connection => {
    let call = ''
    connection.setEncoding('utf8').on('data', (text: string) => (call += text))
    connection.on('end', () => {
      calls.push(call)
      answer(connection)
    })
  }).listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { path, calls }
}

t.test('by the daemon', async t => {
  for (const status of [0, 1] as const) {
    const { path, calls } = await daemon(t, connection => connection.end(`${status}\n{"ä":1}\n\0`))
    t.strictSame(await callPlugIn(CALL, path), { status, output: '{"ä":1}\n' })
    t.strictSame(calls, ['CNI_COMMAND=VERSION\0CNI_ARGS=\0\0{"cniVersion":"1.0.0"}'])
  }
})

t.test('by a daemon that ends', async t => {
  const answers = [
    (connection: Socket) => connection.end(),
    (connection: Socket) => connection.end('0\n{"cut":'),
    (connection: Socket) => connection.destroy(),
  ]
  for (const answer of answers) {
    const { path } = await daemon(t, answer)
    await t.rejects(callPlugIn(CALL, path), { name: 'CniError', code: 11 })
  }
})

t.test('without a daemon, here', async t => {
  const reply = await callPlugIn(CALL, join(folderOf(t), 'none.sock'))
  t.equal(reply.status, 0)
  t.match(JSON.parse(reply.output), { cniVersion: '1.0.0' })
})

t.test('what is no socket', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'file'), '')
  await t.rejects(callPlugIn(CALL, join(folder, 'file/cni.sock')), { name: 'CniError', code: 5 })
})
