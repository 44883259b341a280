/**
 * `npm run prebuildify` and `npm run prebuildify:arm64`: make prebuilds/linux-<arch>/rtnetlink.<libc>.node and
 * cni/prebuilds/linux-<arch>/rtnetlink-cni, if they are out of date. The build happens in a folder of its own, so that the addon of this checkout stays. arm64 is
 * cross-compiled on x64 with Debian's g++-aarch64-linux-gnu.
 */
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buildClient, CLIENT_INPUTS, clientFile } from './client.js'
import { nodeHeaders } from './node-headers.js'
import { ready } from './ready.js'
import { root, run } from './run.js'
import { markFresh, staleness } from './stale.js'

const arch = process.argv[2] ?? process.arch

const cross = 'aarch64-linux-gnu'
const crossTools = {
  CC: `${cross}-gcc`,
  CXX: `${cross}-g++`,
  PREBUILD_STRIP_BIN: `${cross}-strip`,
}

async function prebuild() {
  const folder = join(root, 'build/prebuildify', arch)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of ['package.json', 'binding.gyp', 'native'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

  const headers = nodeHeaders()
  const options = ['--napi', '--strip', '--tag-libc', '--target', process.versions.node, '--arch', arch]
  return run(
    process.execPath,
    [join(root, 'node_modules/prebuildify/bin.js'), ...options, '--cwd', folder, '--out', root],
    {
      env: {
        ...process.env,
        ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
        ...(arch === 'arm64' && process.arch !== 'arm64' ? crossTools : {}),
      },
    },
  )
}

if (!(await ready(['dependencies']))) process.exit(1)
const stamp = `prebuild-${arch}`
const output = `prebuilds/linux-${arch}`
if (staleness(stamp, { inputs: ['binding.gyp', 'native'], output }) !== undefined) {
  const began = new Date()
  process.exitCode = await prebuild()
  if (process.exitCode === 0) markFresh(stamp, began)
}

const client = `client-${arch}`
if (staleness(client, { inputs: CLIENT_INPUTS, output: clientFile(arch) }) !== undefined) {
  const began = new Date()
  const failure = await buildClient(arch)
  if (failure === undefined) markFresh(client, began)
  else {
    console.log(failure)
    process.exitCode = 1
  }
}
