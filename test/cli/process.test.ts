import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { run } from '../helpers/iproute2.js'
import { canCreateNamespaces } from '../helpers/privilege.js'
import { scratch } from '../rtnetlink/scratch.js'
import { needsIsolation, twoContainers } from '../isolator/isolated-topology.js'
import { AS_NOBODY, PROGRAM, rtnetlinkProcess, WITHOUT_RUNNER } from './rtnetlink.js'

/** Runs a line of shell in a terminal of its own; `rtnetlink` is the program. */
function inTerminal(line: string, env: NodeJS.ProcessEnv = {}, input = ''): string {
  const shell = `unset NODE_OPTIONS; rtnetlink() { "${process.execPath}" "${PROGRAM}" "$@"; }; ${line}`
  const { stdout } = spawnSync('script', ['-qec', shell, '/dev/null'], {
    encoding: 'utf8',
    input,
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '', SHELL: '/bin/bash', ...env },
  })
  return stdout.replaceAll('\r', '')
}

t.test('in a terminal: colours, unless NO_COLOR is set, and its width', async t => {
  t.match(inTerminal('rtnetlink links'), '\x1b[1mNAME\x1b[0m')
  t.notMatch(inTerminal('rtnetlink links', { NO_COLOR: '1' }), '\x1b[')
  t.notMatch(inTerminal('rtnetlink links | cat'), '\x1b[', 'a pipe')
  const narrow = inTerminal('stty cols 30; rtnetlink links', { NO_COLOR: '1' }).trim().split('\n')
  t.match(narrow[0], /^INDEX +NAME.*…$/)
  t.strictSame(
    narrow.filter(line => line.length > 30),
    [],
  )
  t.ok(inTerminal('stty cols 30; rtnetlink links | cat').split('\n')[0]!.length > 30, 'a pipe')
})

t.test('exit codes of the process, errors on stderr', async t => {
  t.match(rtnetlinkProcess('links'), { code: 0, stdout: /^INDEX +NAME/, stderr: '' })
  t.match(rtnetlinkProcess('lnks'), { code: 2, stdout: '', stderr: /did you mean links\?\n$/ })
  const failing = 'links --netns no-such-namespace'
  t.match(rtnetlinkProcess(failing), { code: 4, stdout: '', stderr: /^rtnetlink: ENOENT.*\n$/ })
  const { stderr } = rtnetlinkProcess(failing, { env: { RTNETLINK_DEBUG: '1' } })
  t.match(stderr, /\n {4}at /)
})

t.test('somebody who reads no further', async t => {
  const program = `"${process.execPath}" "${PROGRAM}"`
  for (const line of ['links --json', 'links', 'monitor --help']) {
    const shell = `set -o pipefail; unset NODE_OPTIONS; ${program} ${line} | true; echo "$? \${PIPESTATUS[0]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', shell], { encoding: 'utf8' })
    t.strictSame({ stdout, stderr }, { stdout: '0 0\n', stderr: '' }, line)
  }
})

t.test('remove asks in a terminal', needsIsolation(), async t => {
  const { host } = await twoContainers(t)
  const line = `rtnetlink remove --all --netns ${host.name}; echo "exit $?"`
  for (const answer of ['n', ''])
    t.match(
      inTerminal(line, { NO_COLOR: '1' }, `${answer}\n`),
      /Remove 2 containers \(web-1, web-2\) [^]*nothing was removed\nexit 1\n$/,
    )
  t.match(inTerminal(line, { NO_COLOR: '1' }, 'y\n'), /removed container web-1\n[^]*exit 0\n$/)
})

t.test('Ctrl-C ends what goes on for ever, without a word', canCreateNamespaces(), async t => {
  const made = await scratch(t)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn('env', [
      ...WITHOUT_RUNNER,
      process.execPath,
      PROGRAM,
      'monitor',
      '--netns',
      made.name,
    ])
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    // It is there as soon as it shows the first change.
    const changing = setInterval(() => {
      run('ip', ['-n', made.name, 'link', 'add', 'x', 'type', 'bridge'])
        .then(() => run('ip', ['-n', made.name, 'link', 'del', 'x']))
        .catch(() => undefined)
    }, 50)
    await once(child.stdout, 'data')
    clearInterval(changing)
    child.kill(signal)
    t.strictSame(await once(child, 'exit'), [0, null], signal)
    t.equal(said, '')
  }
})

const canBecome = spawnSync(
  'env',
  [...WITHOUT_RUNNER, ...AS_NOBODY, process.execPath, PROGRAM, '--version'],
  {
    encoding: 'utf8',
  },
)
const nobody = { skip: canBecome.status !== 0 && `nobody may not run it: ${canBecome.stderr}` }

t.test('an ordinary user sees the containers', { skip: nobody.skip || needsIsolation().skip }, async t => {
  const { host } = await twoContainers(t)
  const before = ['nsenter', `--net=${host.path}`, ...AS_NOBODY]
  t.match(rtnetlinkProcess('list', { before }), {
    code: 0,
    stdout: /^ID +STATE .*\nweb-1 +(up|no process) .*\nweb-2 [^]*2 containers on eth0 \(10.9.0.2\)/,
    stderr: '',
  })
  t.match(rtnetlinkProcess('show web-1', { before }), { code: 0, stdout: /^ports +31000-31007$/m })
  t.match(rtnetlinkProcess('usage', { before }), { code: 0, stdout: /^web-1 +\d/m })
  t.match(rtnetlinkProcess('verify', { before }).code, 0)
  t.match(rtnetlinkProcess('remove --all --yes', { before }), { code: 3, stdout: '', stderr: /is needed/ })
  t.match(rtnetlinkProcess('list --quiet', { before }), { stdout: 'web-1\nweb-2\n' }, 'they are still there')
})

t.test('an ordinary user sees the tables, but not into other namespaces', nobody, async t => {
  for (const name of ['links', 'addresses', 'routes', 'neighbours', 'qdiscs', 'classes', 'filters'])
    t.match(rtnetlinkProcess(name, { before: AS_NOBODY }), { code: 0, stderr: '' }, name)
  t.test('another namespace', canCreateNamespaces(), async t => {
    const made = await scratch(t)
    t.match(rtnetlinkProcess(`links --netns ${made.path}`, { before: AS_NOBODY }), {
      code: 3,
      stdout: '',
      stderr: /^rtnetlink: EPERM: .*CAP_SYS_ADMIN is needed.*\n$/,
    })
    t.match(rtnetlinkProcess(`links --netns ${made.path}`), { code: 0 }, 'control')
  })
})
