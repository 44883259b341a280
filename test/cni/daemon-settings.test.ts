import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { activatedSockets } from '../../cni/src/daemon/activation.js'
import { HELP, readCommandLine } from '../../cni/src/daemon/command-line.js'
import { configuredOptions } from '../../cni/src/daemon/configured-options.js'
import { firstDifference } from '../../cni/src/daemon/first-difference.js'
import { Sweep } from '../../cni/src/daemon/sweep.js'
import { buildDaemon, ROOT } from './daemon-process.js'
import { NETWORK } from './network.js'

const { ports, ephemeralPorts } = NETWORK

t.test('the command line', async t => {
  t.strictSame(readCommandLine([]), {
    ...{ config: undefined, socket: '/run/rtnetlink/cni.sock', http: undefined, tokenFile: undefined },
    ...{ sweep: 60, logLevel: 'info' },
  })
  t.match(readCommandLine(['--sweep', '0.5', '--http=127.0.0.1:9100', '--token-file', 'x']), {
    ...{ sweep: 0.5, http: '127.0.0.1:9100', tokenFile: 'x' },
  })
  for (const [args, message] of [
    [['--sweep', '-1'], /--sweep/],
    [['--sweep=soon'], /--sweep is 'soon': expected seconds/],
    [['--sweep=1e9'], /--sweep/],
    [['--log-level=loud'], /--log-level is 'loud': expected one of trace, /],
    [['--colour'], /--colour/],
    [['extra'], /extra/],
    [['--config'], /--config/],
  ] as const)
    t.throws(() => readCommandLine(args), { message })
  t.equal(readCommandLine(['--help', '--sweep=x']), 'help')
  for (const option of ['config', 'socket', 'http', 'token-file', 'sweep', 'log-level'])
    t.match(HELP, `--${option} `)
  t.match(HELP, /^Example: /m)

  buildDaemon()
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [`${ROOT}cni/lib/rtnetlinkd.js`, ...args], { encoding: 'utf8' })
  t.match(run('--help'), { status: 0, stdout: HELP, stderr: '' })
  t.match(run('--colour'), { status: 2, stderr: /^rtnetlinkd: Unknown option '--colour'/ })
  t.match(run('--config', '/nonexistent'), { status: 1, stderr: /^rtnetlinkd: ENOENT.*\/nonexistent/ })
})

t.test('what the isolator is created with', async t => {
  const folder = t.testdir()
  const { cniVersion, name, ...plugIn } = NETWORK
  const write = (file: string, value: unknown): string => {
    writeFileSync(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value))
    return join(folder, file)
  }
  const other = { type: 'bridge', bridge: 'cni0' }
  t.throws(() => configuredOptions(undefined, folder), { message: /no network with a plug-in/ })
  write('00-other.conflist', { cniVersion, name, plugins: [other] })
  write('README', 'no network')
  const list = write('20-list.conflist', { cniVersion, name, plugins: [plugIn, other] })
  const options = {
    ...{ publicInterface: 'eth0', ports, ephemeralPorts, ephemeralPortsPerContainer: 64 },
  }
  t.strictSame(configuredOptions(undefined, folder), { file: list, options })
  const single = write('10-single.conf', { ...NETWORK, ports: '31000' })
  t.strictSame(configuredOptions(undefined, folder), {
    file: single,
    options: { ...options, ports: '31000' },
  })
  const plain = write('plain', { ephemeralPorts })
  t.strictSame(configuredOptions(plain), { file: plain, options: { ephemeralPorts } })
  for (const [value, message] of [
    [{ ephemeralPorts, port: '31000' }, /unknown 'port', did you mean 'ports'/],
    [{ cniVersion, name, plugins: [other] }, /no plug-in of the type rtnetlink-cni/],
    [{ ...NETWORK, exclusive: true }, /'exclusive' is no option of a network/],
    ['{', /no JSON/],
  ] as const)
    t.throws(() => configuredOptions(write('wrong', value)), { message })
})

t.test('the first difference between options', async t => {
  const held = { ports, ephemeralPorts, exclusive: true } as const
  t.equal(firstDifference(held, { ephemeralPorts, ports }), undefined)
  t.equal(firstDifference(held, { ephemeralPorts, ports: [[31000, 31999]] }), undefined, 'written otherwise')
  t.equal(
    firstDifference(
      { ...held, egressRateLimitPerContainer: '1MB' },
      { ephemeralPorts, ports, egressRateLimitPerContainer: 1_048_576, multicast: 'drop' },
    ),
    undefined,
    'a rate in bytes, and a default that is spelt out',
  )
  t.equal(
    firstDifference(held, { ephemeralPorts, ports, hostAccess: 'deny' }),
    "rtnetlinkd has no 'hostAccess', and this network 'hostAccess' \"deny\"",
  )
  t.equal(
    firstDifference({ ...held, routes: [{ destination: '10.0.0.0/8' }] }, { ephemeralPorts, ports }),
    'rtnetlinkd has \'routes\' [{"destination":"10.0.0.0/8"}], and this network no \'routes\'',
  )
})

t.test('sockets of a service manager', async t => {
  const given = (names: string, count: number, pid = 42) =>
    activatedSockets({ LISTEN_PID: String(pid), LISTEN_FDS: String(count), LISTEN_FDNAMES: names }, 42)
  t.strictSame(activatedSockets({}), {})
  t.strictSame(given('cni', 1, 41), {}, "another process's")
  t.strictSame(given('cni', 1), { cni: 3 })
  t.strictSame(given('http', 1), { http: 3 })
  t.strictSame(given('http:cni', 2), { http: 3, cni: 4 })
  t.strictSame(given('rtnetlinkd.socket', 1), { cni: 3 })
  t.strictSame(activatedSockets({ LISTEN_PID: '42', LISTEN_FDS: '1' }, 42), { cni: 3 })
  t.throws(() => given('cni:cni', 2), { message: /expected cni and http, once each/ })
  t.throws(() => given('cni:x', 2), { message: /socket 2 of LISTEN_FDNAMES is 'x'/ })
})

t.test('containers that have ended', async t => {
  const sweep = new Sweep(100)
  const look = (now: number, alive: readonly string[], ids = ['a', 'b']) =>
    sweep.look(new Map(ids.map(id => [id, { alive: alive.includes(id) }])), now)
  t.strictSame(look(0, []), [])
  t.strictSame(look(1000, []), [], 'they never had a process')
  t.strictSame(look(1001, ['a']), [])
  t.strictSame(look(1002, []), [])
  t.strictSame(look(1101, []), [], 'not yet')
  t.strictSame(
    sweep.look(
      new Map([
        ['a', {}],
        ['b', {}],
      ]),
      1102,
    ),
    [],
    'nobody can say',
  )
  t.strictSame(look(1102, []), ['a'])
  t.strictSame(look(1103, ['a']), [], 'it has one again')
  t.strictSame(look(1104, []), [])
  t.strictSame(look(1105, [], ['b']), [])
  t.strictSame(look(2000, []), [], 'another one with its id')
})
