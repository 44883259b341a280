import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  name: string
  type: string
  license: string
  engines: { node: string }
  os?: unknown
  cpu?: unknown
  exports: Record<string, unknown>
  bin: Record<string, string>
  scripts: Record<string, string>
  dependencies: Record<string, string>
  bundleDependencies?: unknown
  optionalDependencies?: unknown
  peerDependencies: Record<string, string>
  peerDependenciesMeta: unknown
}

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Manifest

t.test('package.json', async t => {
  t.strictSame(Object.keys(manifest.dependencies).sort(), ['node-addon-api', 'node-gyp-build'])
  for (const kind of ['bundleDependencies', 'optionalDependencies'] as const)
    t.equal(manifest[kind], undefined, `no ${kind}`)
  t.strictSame(Object.keys(manifest.peerDependencies), ['prom-client'])
  t.strictSame(manifest.peerDependenciesMeta, { 'prom-client': { optional: true } }, 'for rtnetlink/metrics')
  t.equal(manifest.type, 'module')
  t.equal(manifest.license, 'MIT')
  t.equal(manifest.engines.node, '>=20.19', 'where require() of an ES module works')
  t.strictSame(manifest.bin, { rtnetlink: './lib/cli.js' })
  t.strictSame(manifest.exports, {
    '.': { types: './lib/index.d.ts', default: './lib/index.js' },
    './metrics': { types: './lib/metrics.d.ts', default: './lib/metrics.js' },
    './package.json': './package.json',
  })
})

t.test('installs everywhere, so that a program may depend on it and use it on Linux only', async t => {
  t.equal(manifest.os, undefined)
  t.equal(manifest.cpu, undefined)
  t.strictSame(manifest.scripts['install'], 'node-gyp-build', 'and does nothing else when installed')
  for (const hook of ['preinstall', 'postinstall', 'prepare'])
    t.equal(manifest.scripts[hook], undefined, hook)
})

t.test('the scripts of a fresh clone need nothing installed', async t => {
  for (const name of ['test', 'test:uml', 'demo', 'example', 'build', 'check', 'bench', 'prebuildify'])
    t.match(manifest.scripts[name], /^node scripts\//, name)
})

const cni = JSON.parse(readFileSync(`${root}cni/package.json`, 'utf8')) as Manifest

t.test('cni/package.json', async t => {
  t.equal(cni.name, 'rtnetlink-cni')
  t.equal(cni.license, manifest.license)
  t.equal(readFileSync(`${root}cni/LICENSE`, 'utf8'), readFileSync(`${root}LICENSE`, 'utf8'))
  t.strictSame(cni.engines, manifest.engines)
  t.strictSame(cni.os, ['linux'], 'nothing of it is of use elsewhere')
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
    t.equal(cni.scripts[hook], undefined, hook)
})

const published = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp)$/,
  /^lib\/(README\.md|(index|metrics|cli)\.js(\.map)?|[\w/-]+\.d\.ts(\.map)?)$/,
  /^src\/[\w/-]+\.ts$/,
  /^native\/\w+\.(cc|h)$/,
  /^prebuilds\/linux-(x64|arm64)\/rtnetlink\.(glibc|musl)\.node$/,
]

interface PackedFile {
  readonly path: string
  readonly mode: number
}

/** What `npm pack` puts into the tarball of a package. */
function packedFiles(folder: string): PackedFile[] {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: `${root}${folder}`,
    encoding: 'utf8',
  })
  const [pack] = JSON.parse(json) as [{ files: PackedFile[] }]
  return pack.files
}

t.test('npm pack of cni/ has what is needed and nothing else', async t => {
  execFileSync(process.execPath, ['scripts/ready.js', 'lib', 'programs', 'client'], { cwd: root })
  const files = packedFiles('cni')
  const paths = files.map(({ path }) => path)
  const known = [
    /^(package\.json|README\.md|LICENSE|grafana\/rtnetlink\.json)$/,
    /^lib\/(http\/\w+\.d\.ts|[\w-]+\.js(\.map)?)$/,
    /^client\/rtnetlink-cni\.c$/,
    /^prebuilds\/linux-(x64|arm64)\/rtnetlink-cni$/,
    /^systemd\/rtnetlinkd\.(service|socket)$/,
  ]
  t.strictSame(
    paths.filter(path => !known.some(pattern => pattern.test(path))),
    [],
    'nothing else',
  )
  const client = `prebuilds/linux-${process.arch}/rtnetlink-cni`
  const programs = [...Object.values(cni.bin).map(path => path.replace('./', '')), client]
  for (const path of [
    ...['LICENSE', 'README.md', 'lib/http.js', 'lib/http/index.d.ts', 'grafana/rtnetlink.json'],
    ...['systemd/rtnetlinkd.service', 'systemd/rtnetlinkd.socket', ...programs],
  ])
    t.ok(paths.includes(path), path)
  for (const { path, mode } of files)
    if (programs.includes(path)) t.equal(mode & 0o111, 0o111, `${path} can be run`)
})

t.test('npm pack has what is needed and nothing else', async t => {
  execFileSync(process.execPath, ['scripts/ready.js', 'lib'], { cwd: root, encoding: 'utf8' })
  const files = packedFiles('').map(({ path }) => path)
  t.strictSame(
    files.filter(file => !published.some(pattern => pattern.test(file))),
    [],
    'nothing else',
  )
  for (const file of [
    'package.json',
    'LICENSE',
    'CHANGELOG.md',
    'binding.gyp',
    'native/addon.cc',
    'lib/index.js',
    'lib/metrics.js',
    'lib/cli.js',
  ])
    t.ok(files.includes(file), file)
  const declared = files
    .filter(file => /^lib\/.*\.d\.ts$/.test(file))
    .map(file => file.slice('lib/'.length, -'.d.ts'.length))
  const sources = files
    .filter(file => /^src\/.*\.ts$/.test(file))
    .map(file => file.slice('src/'.length, -'.ts'.length))
  t.strictSame(declared.sort(), sources.sort(), 'the types of every source, none of a removed one')
})
