import { readFileSync } from 'node:fs'
import t from 'tap'
import { optionsOf, parseArguments } from '../../src/cli/arguments.js'
import { COMMANDS } from '../../src/cli/commands.js'
import { exitCodeOf, lineOf, UsageError } from '../../src/cli/failure.js'
import { rtnetlink } from './rtnetlink.js'

/** Command lines that are wrong, and what is said of them. */
const wrong: [line: string, said: string][] = [
  ['rotes', "there is no command 'rotes': did you mean routes?"],
  ['qwertz', "there is no command 'qwertz': rtnetlink --help lists them"],
  ['--json links', '--json: the command comes first, then its options'],
  ['links --jsn', 'there is no option --jsn: did you mean --json?'],
  ['links -x', 'there is no option -x: there are --dev, --json, --netns, --help'],
  ['links --constructor', 'there is no option --constructor: there are --dev, --json, --netns, --help'],
  ['links --json=yes', '--json takes no value'],
  ['links --dev', '--dev needs a value: --dev NAME'],
  ['links --dev --json', '--dev needs a value: --dev NAME'],
  ['links eth0', "links does not take 'eth0'"],
  ['routes --family ipv4', "--family is 'ipv4': expected inet, inet6"],
  ['routes --table mian', "--table is 'mian': expected default, main, local, all or a number"],
  ['monitor linkz', "table is 'linkz': did you mean links?"],
  ['completion', 'completion needs shell'],
  ['links --dev a --dev b', '--dev is given twice: it takes one value'],
  ['links -d a --dev=b', '--dev is given twice: it takes one value'],
  ['list --quiet --json', '--quiet and --json: choose one of them'],
  ['usage --interval 5', '--interval goes with --watch'],
  [
    'filters --parent bogus',
    "--parent is 'bogus': expected root, ingress, egress, or a handle such as 1: or 1:10",
  ],
  ['help lnks', "there is no command 'lnks': did you mean links?"],
]

for (const [line, said] of wrong)
  t.test(`rtnetlink ${line}`, async t =>
    t.strictSame(await rtnetlink(line), { code: 2, stdout: '', stderr: `rtnetlink: ${said}\n` }),
  )

for (const [line, said] of [
  ['links --dev a/b', /^rtnetlink: --dev is 'a\/b': expected the name of an interface/],
  ['filters --dev lo --parent bogus', /^rtnetlink: --parent is 'bogus': expected root/],
  ['links --netns 99999999999999', /^rtnetlink: --netns is '99999999999999': a pid is from 1 to 4194303/],
  ['list --netns 0', /^rtnetlink: --netns is '0': a pid is from 1/],
  ['verify --netns ..', /^rtnetlink: --netns is '..': expected a name/],
] as const)
  t.test(`rtnetlink ${line}`, async t =>
    t.match(await rtnetlink(line), { code: 2, stdout: '', stderr: said }),
  )

t.test('what is well-formed and not there ends with 4, whichever command looks', async t => {
  for (const name of ['list', 'show web-1', 'usage', 'verify', 'clean web-1', 'links', 'sockets', 'monitor'])
    t.match(await rtnetlink(`${name} --netns no-such-namespace`), {
      code: 4,
      stdout: '',
      stderr: /ENOENT: .* there is no network namespace 'no-such-namespace'\n$/,
    })
  t.match(await rtnetlink('links --dev no-such'), { code: 4, stderr: /ENODEV/ })
})

t.test('help of the whole names every command', async t => {
  const { code, stdout } = await rtnetlink('--help')
  t.equal(code, 0)
  for (const { name, about } of COMMANDS) t.match(stdout, new RegExp(`^  ${name} +${about[0]!}`, 'm'))
  for (const line of ['-h', 'help']) t.equal((await rtnetlink(line)).stdout, stdout, line)
  t.strictSame(await rtnetlink(''), { code: 2, stdout, stderr: '' }, 'no command is wrong usage')
})

for (const command of COMMANDS)
  t.test(`help of ${command.name}`, async t => {
    const { code, stdout } = await rtnetlink(`${command.name} --help`)
    t.equal(code, 0)
    t.equal(stdout, (await rtnetlink(`help ${command.name}`)).stdout)
    for (const name of Object.keys(optionsOf(command))) t.match(stdout, `--${name}`)
    t.ok(command.examples.length > 0)
    for (const { line } of command.examples) {
      t.match(stdout, `rtnetlink ${line}`)
      const [name, ...args] = line.replace(/ (>|\||&&) .*/, '').split(' ')
      t.equal(name, command.name)
      t.doesNotThrow(() => parseArguments(command, args), `the example works: ${line}`)
    }
    const longest = Math.max(...stdout.split('\n').map(line => line.length))
    t.ok(longest <= 120, `no line is longer than 120 characters: ${longest}`)
  })

t.test('version', async t => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  for (const line of ['--version', '-V'])
    t.strictSame(await rtnetlink(line), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('exit codes and lines of errors', async t => {
  const withCode = (code: string, cause?: unknown) =>
    Object.assign(new Error('it failed', { cause }), { code })
  t.equal(exitCodeOf(new UsageError('no')), 2)
  t.equal(exitCodeOf(withCode('EPERM')), 3)
  t.equal(exitCodeOf(withCode('EACCES')), 3)
  t.equal(exitCodeOf(withCode('ERR_SOMETHING', withCode('EPERM'))), 3, 'a privilege was the cause')
  t.equal(exitCodeOf(withCode('ERR_INVALID_OPTION')), 2)
  t.equal(exitCodeOf(withCode('ERR_INVALID_OPTION', withCode('ENOENT'))), 4)
  t.equal(exitCodeOf(withCode('ENODEV')), 4)
  t.equal(exitCodeOf('text'), 4)
  t.equal(lineOf(new Error('first\n  second\n\nthird \x1b[2J')), 'first; second; third \\u{1b}[2J')
})

t.test('the stack is shown to who wants it', async t => {
  const line = 'links --netns no-such-namespace'
  const { code, stderr } = await rtnetlink(line)
  t.equal(code, 4)
  t.match(stderr, /^rtnetlink: ENOENT: .*; there is no network namespace 'no-such-namespace'\n$/)
  t.match((await rtnetlink(line, { debug: true })).stderr, /\n {4}at /)
})
