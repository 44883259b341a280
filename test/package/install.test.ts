import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'

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

/** The same, while this process answers. */
const execute = promisify(execFile)

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
  const packed = pack([root, ...dependenciesOf('node-gyp-build', 'node-addon-api')], folder)

  for (const command of ['node', 'npm', 'npx', 'sh', 'env'])
    symlinkSync(run('sh', ['-c', `command -v ${command}`]).trim(), join(folder, 'bin', command))
  const env = { ...process.env, PATH: join(folder, 'bin'), npm_config_offline: 'true' }
  t.ok(has('cc'), 'control: there is a compiler outside')
  t.notOk(has('cc', env), 'there is none inside')

  run('npm', ['install', ...packed], { cwd: project, env })

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

/** The folders of packages that a package needs, and of those that these need. */
function dependenciesOf(...names: string[]): string[] {
  const found = new Set<string>()
  const add = (name: string): void => {
    const folder = join(root, 'node_modules', name)
    if (found.has(folder)) return
    found.add(folder)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>
    }
    for (const dependency of Object.keys(manifest.dependencies ?? {})) add(dependency)
  }
  for (const name of names) add(name)
  return [...found]
}

/** Makes the tarballs of packages in a folder; their paths. */
function pack(from: readonly string[], folder: string): string[] {
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...from])
  return (JSON.parse(packed) as { filename: string }[]).map(({ filename }) =>
    join(folder, filename.replace(/^@/, '').replace('/', '-')),
  )
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
}

/** A registry that has the packages of these folders and no others; its address. */
async function registryOf(t: Test, folders: readonly string[], packed: string): Promise<string> {
  const tarballs = pack(folders, packed)
  const packages = folders.map((folder, i) => ({
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest,
    tarball: tarballs[i] as string,
  }))
  let address = ''
  const server = createServer(({ url = '' }, response) => {
    const asked = decodeURIComponent(url.slice(1))
    const found = packages.find(({ manifest, tarball }) => [manifest.name, basename(tarball)].includes(asked))
    if (!found) {
      response.writeHead(404).end('{}')
      return
    }
    const { manifest, tarball } = found
    if (asked !== manifest.name) {
      response.end(readFileSync(tarball))
      return
    }
    const { name, version, scripts = {} } = manifest
    const dist = { tarball: `${address}/${basename(tarball)}` }
    const listed = { ...manifest, dist, hasInstallScript: 'install' in scripts }
    response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: listed } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return address
}

t.test('rtnetlink-cni, installed as its README says', { skip: has('cc') ? false : 'no cc' }, async t => {
  prebuild(process.arch)
  run(process.execPath, ['scripts/ready.js', 'lib', 'programs'])
  const folder = t.testdir({ prefix: {}, plugins: {}, packed: {} })
  const dependencies = dependenciesOf('node-gyp-build', 'node-addon-api', 'pino', 'prom-client')
  const packages = [root, join(root, 'cni'), ...dependencies]
  const env = {
    ...process.env,
    npm_config_prefix: join(folder, 'prefix'),
    npm_config_cache: join(folder, 'cache'),
    npm_config_registry: await registryOf(t, packages, join(folder, 'packed')),
  }
  const lines = readFileSync(join(root, 'cni/README.md'), 'utf8')
    .split('## Configure')[0]!
    .split('\n')
    .flatMap(line => (line.startsWith('    ') ? [line.trim()] : []))
  t.equal(lines[0], 'npm install --global rtnetlink-cni rtnetlink')
  for (const line of lines)
    await execute('sh', ['-c', line.replaceAll('/opt/cni/bin', join(folder, 'plugins'))], {
      cwd: folder,
      env,
    })
  const plugIn = join(folder, 'plugins/rtnetlink-cni')

  const asPlugIn = (
    command: string | undefined,
    input = '',
  ): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(plugIn, {
      input,
      encoding: 'utf8',
      env: {
        ...{ PATH: process.env['PATH'], RTNETLINK_CNI_SOCKET: '/nonexistent/cni.sock' },
        ...(command !== undefined && { CNI_COMMAND: command }),
      },
    })
  const { version } = JSON.parse(readFileSync(join(root, 'cni/package.json'), 'utf8')) as { version: string }
  t.match(asPlugIn(undefined), { status: 0, stderr: `CNI rtnetlink-cni plugin v${version}\n` })
  t.match(JSON.parse(asPlugIn('VERSION', '{"cniVersion":"1.0.0"}').stdout), {
    supportedVersions: ['0.4.0', '1.0.0', '1.1.0'],
  })
  t.match(
    JSON.parse(asPlugIn('STATUS', '{"cniVersion":"1.0.0","name":"shared"}').stdout),
    { code: 1, msg: 'STATUS came with cniVersion 1.1.0: this network has 1.0.0' },
    'without a daemon the client starts the plug-in in Node.js',
  )

  const program = (name: string, ...args: string[]) =>
    spawnSync(join(folder, 'prefix/bin', name), args, { encoding: 'utf8', input: '' })
  t.match(program('rtnetlinkd', '--help'), { status: 0, stdout: /^rtnetlinkd: / })
  t.match(program('rtnetlink-cni'), { status: 0, stderr: `CNI rtnetlink-cni plugin v${version}\n` })
  t.match(program('netavark-rtnetlink', 'info'), {
    status: 0,
    stdout: JSON.stringify({ version, api_version: '1.0.0' }),
  })
  t.match(program('rtnetlink-oci-hook'), { status: 1, stderr: /usage: rtnetlink-oci-hook --config FILE/ })
  const library = `import('rtnetlink-cni/http').then(http => console.log(Object.keys(http).includes('refusalOf')))`
  const modules = join(folder, 'prefix/lib/node_modules/')
  writeFileSync(join(modules, 'program.mjs'), library)
  t.equal(run('node', [join(modules, 'program.mjs')], { env }), 'true\n')
})

const crossCompiler = 'aarch64-linux-gnu-g++'
t.test('the arm64 prebuild', { skip: has(crossCompiler) ? false : `no ${crossCompiler}` }, async t => {
  t.equal(machineOf(prebuild('arm64')), EM_AARCH64)
  t.equal(machineOf('cni/prebuilds/linux-arm64/rtnetlink-cni'), EM_AARCH64, 'and the client of rtnetlinkd')
})
