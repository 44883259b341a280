import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

function prebuild(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/prebuildify.js', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return join(root, `prebuilds/linux-${args[0] ?? process.arch}/rtnetlink.glibc.node`)
}

/** `e_machine` of an ELF file, `<elf.h>`. */
const machineOf = (file: string): number => readFileSync(file).readUInt16LE(18)
const EM_AARCH64 = 183

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0

t.test('an installed package loads its prebuilt addon where there is no compiler', async t => {
  prebuild()
  const folder = t.testdir({ project: { 'package.json': '{ "private": true }' }, bin: {} })
  const json = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  })
  const [{ filename }] = JSON.parse(json) as [{ filename: string }]

  for (const command of ['node', 'npm', 'sh']) {
    const path = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim()
    symlinkSync(path, join(folder, 'bin', command))
  }
  const project = join(folder, 'project')
  const env = { ...process.env, PATH: join(folder, 'bin'), npm_config_offline: 'true' }
  t.notOk(spawnSync('cc', { env }).status === 0, 'no compiler')

  // The two dependencies come from here instead of a registry.
  const packages = [
    join(folder, filename),
    ...['node-gyp-build', 'node-addon-api'].map(name => `${root}node_modules/${name}`),
  ]
  execFileSync('npm', ['install', '--install-links', '--no-audit', '--no-fund', ...packages], {
    cwd: project,
    env,
  })

  writeFileSync(
    join(project, 'use.js'),
    `
    const load = require('node-gyp-build')
    const folder = require('path').dirname(require.resolve('rtnetlink/package.json'))
    import('rtnetlink').then(async imported => {
      const required = process.features.require_module === false ? imported : require('rtnetlink')
      console.log(JSON.stringify({
        addon: load.resolve(folder).slice(folder.length),
        exports: Object.keys(imported).length,
        same: required.NetlinkError === imported.NetlinkError,
        native: Object.keys(load(folder)),
      }))
    })`,
  )
  const used = JSON.parse(execFileSync('node', ['use.js'], { cwd: project, env, encoding: 'utf8' })) as {
    addon: string
    exports: number
    same: boolean
    native: string[]
  }
  t.equal(used.addon, `/prebuilds/linux-${process.arch}/rtnetlink.glibc.node`)
  t.ok(used.exports > 0)
  t.ok(used.same, 'import and require give the same module')
  t.ok(used.native.length > 0, 'the addon loads')
})

t.test(
  'the arm64 prebuild',
  { skip: has('aarch64-linux-gnu-g++') ? false : 'no g++-aarch64-linux-gnu' },
  async t => {
    t.equal(machineOf(prebuild('arm64')), EM_AARCH64)
  },
)
