import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

// It compiles the addon twice.
t.setTimeout(600_000)

/** Runs a command quietly; a failure says what it printed. */
const run = (
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options })

function prebuild(arch: string): string {
  run(process.execPath, ['scripts/prebuildify.js', arch])
  return `prebuilds/linux-${arch}/rtnetlink.glibc.node`
}

/** `e_machine` of an ELF file, `<elf.h>`. */
const machineOf = (file: string): number => readFileSync(join(root, file)).readUInt16LE(18)
const EM_AARCH64 = 183

const has = (command: string, env = process.env): boolean =>
  spawnSync(command, ['--version'], { env }).status === 0

/** What a program that depends on the package does first. Needs no privileges. */
const program = `
const load = require('node-gyp-build')
const { dirname } = require('node:path')
const folder = dirname(require.resolve('rtnetlink/package.json'))
async function main() {
  const { RtnetlinkSocket } = await import('rtnetlink')
  const socket = await RtnetlinkSocket.open()
  const links = await socket.links.list({})
  await socket.close()
  console.log(JSON.stringify({
    addon: load.resolve(folder).slice(folder.length + 1),
    required: require('rtnetlink').RtnetlinkSocket === RtnetlinkSocket,
    links: links.map(link => link.name),
  }))
}
main()`

t.test('an installed package works where there is no compiler', async t => {
  const addon = prebuild(process.arch)
  const folder = t.testdir({ project: { 'package.json': '{ "private": true }' }, bin: {} })
  const project = join(folder, 'project')
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]

  for (const command of ['node', 'npm', 'npx', 'sh', 'env'])
    symlinkSync(run('sh', ['-c', `command -v ${command}`]).trim(), join(folder, 'bin', command))
  const env = { ...process.env, PATH: join(folder, 'bin'), npm_config_offline: 'true' }
  t.ok(has('cc'), 'control: there is a compiler outside')
  t.notOk(has('cc', env), 'there is none inside')

  // The two dependencies come from here instead of a registry.
  const dependencies = ['node-gyp-build', 'node-addon-api'].map(name => join(root, 'node_modules', name))
  run('npm', ['install', '--install-links', join(folder, filename), ...dependencies], { cwd: project, env })

  writeFileSync(join(project, 'program.js'), program)
  const { links, ...rest } = JSON.parse(run('node', ['program.js'], { cwd: project, env })) as {
    links: string[]
  }
  t.strictSame(rest, { addon, required: true }, 'the prebuilt addon, and require() gives what import() gives')
  t.ok(links.includes('lo'), 'it lists the links')
  t.match(
    run('npx', ['rtnetlink', 'links'], { cwd: project, env }),
    /^INDEX +NAME/,
    'and so does the command',
  )
})

const crossCompiler = 'aarch64-linux-gnu-g++'
t.test('the arm64 prebuild', { skip: has(crossCompiler) ? false : `no ${crossCompiler}` }, async t => {
  t.equal(machineOf(prebuild('arm64')), EM_AARCH64)
})
