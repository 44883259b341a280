import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readCall, writeReply } from '../../cni/src/daemon/call-frame.js'
import { callPlugIn } from '../../cni/src/plug-in/call-plug-in.js'
import type { Reply } from '../../cni/src/spec/call.js'
import { runIn } from '../helpers/iproute2.js'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { buildDaemon, hostOfDaemon, ROOT, startDaemon } from './daemon-process.js'
import { NETWORK } from './network.js'

const FIXTURE = `${ROOT}test/cni/fixtures/call-plug-in.ts`

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
): Promise<{ path: string; calls: Buffer[] }> {
  const path = join(folderOf(t), 'cni.sock')
  const calls: Buffer[] = []
  const server = createServer({ allowHalfOpen: true }, connection => {
    const pieces: Buffer[] = []
    connection.on('data', piece => pieces.push(piece))
    connection.on('end', () => {
      calls.push(Buffer.concat(pieces))
      answer(connection)
    })
  }).listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { path, calls }
}

t.test('by the daemon', async t => {
  for (const status of [0, 1] as const) {
    const { path, calls } = await daemon(t, connection =>
      connection.end(writeReply({ status, output: '{"ä":1}\n' })),
    )
    t.strictSame(await callPlugIn(CALL, path), { status, output: '{"ä":1}\n' })
    t.strictSame(calls.map(readCall), [CALL])
  }
})

t.test('the daemon gets the namespace by a descriptor of the caller', async t => {
  const { path, calls } = await daemon(t, connection => connection.end(writeReply({ status: 0, output: '' })))
  const namespaceOf = async (CNI_NETNS: string): Promise<string | undefined> => {
    await callPlugIn({ ...CALL, environment: { ...CALL.environment, CNI_NETNS } }, path)
    return readCall(calls.pop() ?? Buffer.alloc(0)).environment['RTNETLINK_NETNS']
  }
  const before = readdirSync('/proc/self/fd').length
  t.match(await namespaceOf('/proc/self/ns/net'), new RegExp(`^/proc/${process.pid}/fd/\\d+$`))
  t.equal(await namespaceOf('/run/netns/none'), undefined, 'gone, as for a DEL')
  t.equal(await namespaceOf(''), undefined)
  t.ok(readdirSync('/proc/self/fd').length <= before, 'it is closed')
})

t.test('by rtnetlinkd itself', needsIsolation(), async t => {
  buildDaemon()
  const machine = await hostOfDaemon(t)
  await startDaemon(t, machine).prints('listening')
  const call = (CNI_COMMAND: string) => ({
    environment: {
      CNI_COMMAND,
      CNI_CONTAINERID: 'web',
      CNI_IFNAME: 'eth0',
      CNI_NETNS: machine.containers[0]!.path,
    },
    input: JSON.stringify({ ...NETWORK, runtimeConfig: { portRanges: '31000-31003' } }),
  })
  const onHost = async (command: string): Promise<Reply> => {
    const program = [process.execPath, '--import', `${ROOT}scripts/typescript.js`, FIXTURE]
    return JSON.parse(
      await runIn(
        machine.host.path,
        ...(program as [string]),
        JSON.stringify([call(command), machine.socket]),
      ),
    ) as Reply
  }
  const { status, output } = await onHost('ADD')
  t.equal(status, 0, output)
  t.match(JSON.parse(output), { interfaces: [{}, { name: 'eth0' }] })
  t.match(
    await callPlugIn(call('DEL'), machine.socket),
    { status: 1, output: /"code":5/ },
    'from another network namespace, which could be that of the container',
  )
  t.strictSame(await onHost('DEL'), { status: 0, output: '' })
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
