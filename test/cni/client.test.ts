import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CLIENT, hasClient, runClient, startClient } from './client-process.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SUPPORTED = ['0.4.0', '1.0.0', '1.1.0']
const { version } = JSON.parse(readFileSync(`${ROOT}cni/package.json`, 'utf8')) as { version: string }

/** A folder whose path leaves room for the name of a socket: 107 bytes are all that it may have. */
function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'client-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** What a stand-in for the daemon does with a call. */
type Answer = (connection: Socket, call: Buffer) => void

interface StandIn {
  path: string
  calls: Buffer[]
  server: Server
}

/** Listens in place of rtnetlinkd. */
async function standIn(t: Test, answer: Answer): Promise<StandIn> {
  const path = join(shortFolder(t), 'cni.sock')
  const calls: Buffer[] = []
  const server = createServer({ allowHalfOpen: true }, connection => {
    const pieces: Buffer[] = []
    connection.on('data', piece => pieces.push(piece)).on('error', () => undefined)
    connection.on('end', () => {
      const call = Buffer.concat(pieces)
      calls.push(call)
      answer(connection, call)
    })
  })
  server.listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { path, calls, server }
}

const saying =
  (text: string): Answer =>
  connection =>
    connection.end(text)

/** The variables of a call, and its configuration. */
function read(call: Buffer): { environment: Record<string, string>; input: string } {
  const text = call.toString()
  const end = text.indexOf('\0\0')
  const environment = Object.fromEntries(
    text
      .slice(0, end)
      .split('\0')
      .map(variable => [variable.split('=', 1)[0]!, variable.slice(variable.indexOf('=') + 1)]),
  )
  return { environment, input: text.slice(end + 2) }
}

async function inPieces(connection: Socket, output: string): Promise<void> {
  for (const byte of '0\n') {
    connection.write(byte)
    await sleep(5)
  }
  connection.write(output)
  connection.end('\0')
}

const ADD = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'web-1',
  CNI_NETNS: '/proc/self/ns/net',
  CNI_IFNAME: 'eth0',
}

t.test('the client', hasClient(), async t => {
  t.test('without CNI_COMMAND: its version', async t => {
    for (const environment of [{}, { CNI_COMMAND: '' }])
      t.strictSame(await runClient(environment), {
        status: 0,
        output: undefined,
        errors: `CNI rtnetlink-cni plugin v${version}\nCNI protocol versions supported: ${SUPPORTED.join(', ')}\n`,
      })
  })

  const versions: Record<string, [input: string, version: string]> = {
    'a known version': ['{"cniVersion":"0.4.0"}', '0.4.0'],
    'a version of the future': ['{ "name": "x",\n  "cniVersion" : "9.9.9" }', '9.9.9'],
    'no version': ['{}', '1.1.0'],
    'no configuration': ['', '1.1.0'],
    'no text': ['{"cniVersion": 1}', '1.1.0'],
    'an empty text': ['{"cniVersion": ""}', '1.1.0'],
    'what cannot stand in JSON': ['{"cniVersion":"1.0.0\\"x', '1.0.0'],
    'very long': [`{"cniVersion":"${'1'.repeat(500)}"}`, '1'.repeat(31)],
  }
  for (const [name, [input, cniVersion]] of Object.entries(versions))
    t.test(`VERSION, ${name}`, async t => {
      t.strictSame(await runClient({ CNI_COMMAND: 'VERSION' }, { input }), {
        status: 0,
        output: { cniVersion, supportedVersions: SUPPORTED },
        errors: '',
      })
    })

  t.test('hands over the variables of CNI and the configuration, and nothing else', async t => {
    const { path, calls } = await standIn(t, saying('0\n{"cniVersion":"1.0.0"}\n\0'))
    const environment = { ...ADD, CNI_ARGS: 'A=1;B=ä', SECRET: 'x', RTNETLINK_CNI_SOCKET: path }
    const ended = await runClient(environment, { input: '{"cniVersion":"1.0.0","name":"shared"}' })
    t.strictSame(ended, { status: 0, output: { cniVersion: '1.0.0' }, errors: '' })
    t.equal(calls.length, 1)
    const call = read(calls[0]!)
    const { RTNETLINK_NETNS, ...others } = call.environment
    t.strictSame(others, { ...ADD, CNI_ARGS: 'A=1;B=ä' })
    t.match(RTNETLINK_NETNS, /^\/proc\/\d+\/fd\/\d+$/)
    t.equal(call.input, '{"cniVersion":"1.0.0","name":"shared"}')
  })

  t.test('its descriptor of the namespace can be opened while it waits', async t => {
    const seen: number[] = []
    const { path } = await standIn(t, (connection, call) => {
      seen.push(statSync(read(call).environment['RTNETLINK_NETNS']!).ino)
      connection.end('0\n\0')
    })
    await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: path })
    t.strictSame(seen, [statSync('/proc/self/ns/net').ino])
  })

  for (const [name, environment] of Object.entries({
    'without a namespace': { CNI_COMMAND: 'DEL' },
    'with a namespace that is gone': { CNI_COMMAND: 'DEL', CNI_NETNS: '/run/netns/no-such-namespace' },
  }))
    t.test(name, async t => {
      const { path, calls } = await standIn(t, saying('0\n\0'))
      t.match(await runClient({ ...environment, RTNETLINK_CNI_SOCKET: path }), {
        status: 0,
        output: undefined,
      })
      t.strictSame(read(calls[0]!), { environment, input: '' })
    })

  t.test('an error of the plug-in', async t => {
    const { path } = await standIn(t, saying('1\n{"code":103}\0'))
    t.match(await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: path }), { status: 1, output: { code: 103 } })
  })

  t.test('much to send, and much to print, in small pieces', async t => {
    const input = JSON.stringify({ cniVersion: '1.0.0', name: 'x'.repeat(900_000) })
    const output = 'y'.repeat(1_500_000)
    const { path, calls } = await standIn(t, connection => void inPieces(connection, output))
    const { child, ended } = startClient({ ...ADD, RTNETLINK_CNI_SOCKET: path }, { input })
    for (let i = 0; i < 10; i++) {
      child.kill(i % 2 === 0 ? 'SIGSTOP' : 'SIGCONT')
      await sleep(5)
    }
    const { status, output: printed } = await ended
    t.equal(status, 0)
    t.ok(printed === output, 'all is printed')
    t.ok(read(calls[0]!).input === input, 'all has arrived')
  })

  t.test('answers before everything is read', async t => {
    const path = join(shortFolder(t), 'cni.sock')
    const server = createServer(connection => {
      connection.on('error', () => undefined)
      connection.end('1\n{"code":6}\0', () => connection.destroy())
    }).listen(path)
    t.teardown(() => server.close())
    await once(server, 'listening')
    const ended = await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: path }, { input: 'x'.repeat(1_000_000) })
    t.match(ended, { status: 1, output: { code: 6 } })
  })

  const cut: Record<string, string> = {
    'without a word': '',
    'after the status': '0',
    'after the first line': '0\n',
    'in the middle of the answer': '0\n{"cniVersion":"1.0.0","inter',
    'one byte before the end': '0\n{"cniVersion":"1.0.0"}\n',
    'with what is no answer': 'HTTP/1.1 400\0',
  }
  for (const [name, answer] of Object.entries(cut))
    t.test(`the daemon ends ${name}`, async t => {
      const { path } = await standIn(t, saying(answer))
      const ended = await runClient(
        { ...ADD, RTNETLINK_CNI_SOCKET: path },
        { input: '{"cniVersion":"0.4.0"}' },
      )
      t.match(ended, {
        status: 1,
        output: { cniVersion: '0.4.0', code: 11, msg: 'rtnetlinkd ended during this call: call again' },
      })
    })

  t.test('without a daemon: the plug-in in node', async t => {
    const folder = t.testdir({
      'plugin.js': `
        const input = require('fs').readFileSync(0, 'utf8')
        console.log(JSON.stringify({ input, id: process.env.CNI_CONTAINERID, args: process.argv.length }))
        process.exitCode = 1`,
      'package.json': '{}',
    })
    const sockets = shortFolder(t)
    const environment = {
      ...ADD,
      RTNETLINK_CNI_PLUGIN: join(folder, 'plugin.js'),
      PATH: join(process.execPath, '..'),
    }
    const expected = { status: 1, output: { input: '{"name":"x"}', id: 'web-1', args: 2 }, errors: '' }
    for (const path of [join(sockets, 'no.sock'), join(sockets, 'no', 'folder.sock')])
      t.strictSame(
        await runClient({ ...environment, RTNETLINK_CNI_SOCKET: path }, { input: '{"name":"x"}' }),
        expected,
      )
    const refused = join(sockets, 'refused.sock')
    spawnSync('python3', [
      '-c',
      `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(refused)})`,
    ])
    t.ok(statSync(refused).isSocket(), 'nobody listens there')
    t.strictSame(
      await runClient({ ...environment, RTNETLINK_CNI_SOCKET: refused }, { input: '{"name":"x"}' }),
      expected,
    )
    const missing = { ...environment, RTNETLINK_CNI_SOCKET: join(shortFolder(t), 'no.sock') }
    t.match(await runClient({ ...missing, RTNETLINK_CNI_PLUGIN: join(folder, 'no.js') }), {
      status: 1,
      output: { code: 11, msg: /rtnetlinkd does not listen at .*no\.sock, and .*no\.js: No such file/ },
    })
    t.match(await runClient({ ...missing, PATH: folder }), {
      status: 1,
      output: { code: 5, msg: /node cannot be run: No such file/ },
    })
  })

  t.test('finds the plug-in beside itself, also by a symbolic link', async t => {
    const folder = t.testdir({
      package: { lib: { 'rtnetlink-cni.js': 'console.log(42)' }, prebuilds: { 'linux-x64': {} } },
      bin: {},
    })
    const real = join(folder, 'package/prebuilds/linux-x64/rtnetlink-cni')
    writeFileSync(real, readFileSync(CLIENT), { mode: 0o755 })
    symlinkSync(real, join(folder, 'bin/rtnetlink-cni'))
    const environment = {
      ...ADD,
      RTNETLINK_CNI_SOCKET: join(shortFolder(t), 'no.sock'),
      PATH: join(process.execPath, '..'),
    }
    for (const command of [real, join(folder, 'bin/rtnetlink-cni')])
      t.match(await runClient(environment, { command: [command] }), { status: 0, output: 42 })
  })

  t.test('a path that cannot be a socket', async t => {
    const file = join(shortFolder(t), 'file')
    writeFileSync(file, '')
    t.match(await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: `${file}/"x\n` }), {
      status: 1,
      output: { code: 5, msg: `${file}/"x\n: Not a directory` },
    })
    t.match(await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: 'x'.repeat(200) }), {
      status: 1,
      output: { code: 4, msg: /^RTNETLINK_CNI_SOCKET: x{200} is too long$/ },
    })
  })

  t.test('a configuration without end', async t => {
    const { path, calls } = await standIn(t, saying('0\n\0'))
    const ended = await runClient({ ...ADD, RTNETLINK_CNI_SOCKET: path }, { input: 'x'.repeat(2_000_000) })
    t.match(ended, { status: 1, output: { code: 6, msg: 'the network configuration has more than 1 MiB' } })
    t.strictSame(
      calls.filter(({ length }) => length > 0),
      [],
      'nothing has been sent',
    )
  })
})

const [compiler, emulator] = ['aarch64-linux-gnu-gcc', 'qemu-aarch64-static'] as const
const lacking = [compiler, emulator].find(command => spawnSync(command, ['--version']).status !== 0)
t.test('the client for arm64', { skip: lacking === undefined ? false : `no ${lacking}` }, async t => {
  const { status, stdout } = spawnSync(process.execPath, [`${ROOT}scripts/client.js`, 'arm64'])
  t.equal(status, 0, stdout.toString())
  const command = [emulator, `${ROOT}cni/prebuilds/linux-arm64/rtnetlink-cni`] as const
  t.match(await runClient({ CNI_COMMAND: 'VERSION' }, { command, input: '{"cniVersion":"1.0.0"}' }), {
    status: 0,
    output: { cniVersion: '1.0.0', supportedVersions: SUPPORTED },
  })
})

t.test('it is short', async t => {
  t.ok(readFileSync(`${ROOT}cni/client/rtnetlink-cni.c`, 'utf8').trimEnd().split('\n').length < 150)
})
