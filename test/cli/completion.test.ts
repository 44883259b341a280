import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../../src/cli/commands.js'
import { rtnetlink } from './rtnetlink.js'

const IDS = ['web-1', 'web-2', 'db-1', 'a*', 'x$(touch${IFS}ran)y', 'x`touch${IFS}ran`y']

/** What bash offers behind the words of a command line, of which the last is begun. */
function completions(script: string, cwd: string, ...words: string[]): string[] {
  const shell = `set -eu; eval "$1"; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    rtnetlink() { [ "$*" = 'list --quiet' ] && printf '%s\\n' ${IDS.map(id => `'${id}'`).join(' ')}; }
    complete -p rtnetlink > /dev/null
    _rtnetlink || : # nothing to offer
    printf '%s\\n' \${COMPREPLY[@]+"\${COMPREPLY[@]}"}`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', shell, 'bash', script, ...words], {
    encoding: 'utf8',
    cwd,
  })
  if (status !== 0 || stderr !== '') throw new Error(`bash: ${stderr}`)
  return stdout.split('\n').filter(word => word !== '')
}

t.test('completion in bash', async t => {
  const { stdout: script } = await rtnetlink('completion bash')
  const cwd = t.testdir({ apple: '' })
  const offered = (...words: string[]): string[] => completions(script, cwd, 'rtnetlink', ...words)
  const names = COMMANDS.map(({ name }) => name)
  t.strictSame(offered(''), [...names, '--help', '--version'])
  t.strictSame(offered('neigh'), ['neighbours'])
  t.strictSame(offered('routes', '--'), ['--family', '--table', '--dev', '--json', '--netns', '--help'])
  t.strictSame(offered('routes', '--ta'), ['--table'])
  t.strictSame(offered('routes', '--family', ''), ['inet', 'inet6'])
  t.strictSame(offered('routes', '-f', 'inet6'), ['inet6'])
  t.strictSame(offered('routes', '--table', ''), [])
  t.strictSame(offered('links', '--dev', ''), readdirSync('/sys/class/net'))
  t.strictSame(offered('show', 'web'), ['web-1', 'web-2'], 'what list --quiet prints')
  t.strictSame(offered('monitor', 'rou'), ['routes'])
  t.strictSame(offered('completion', ''), ['bash', '--help'])
  t.strictSame(offered('nonsense', ''), [])
  t.strictSame(offered('routes', '--family', '='), ['inet', 'inet6'], "bash has '=' as a word")
  t.strictSame(offered('routes', '--family', '=', 'inet6'), ['inet6'])

  t.strictSame(offered('show', 'a'), ['a\\*'], 'no names of files')
  t.strictSame(offered('show', 'x'), ['x\\$\\(touch\\$\\{IFS\\}ran\\)y', 'x\\`touch\\$\\{IFS\\}ran\\`y'])
  t.equal(existsSync(join(cwd, 'ran')), false, 'an id is no shell')
})
