/** `npm run bench -- <name> [arguments]`: runs a benchmark of bench/, with a /run of its own, and in a user namespace without privileges. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { npm, ready } from './ready.js'
import { capture, root } from './run.js'
import { namesIn, runTypescript } from './run-typescript.js'

/** Libraries to compare with. They are optional: what cannot be installed is left out of the comparison. */
async function installPeers() {
  if (existsSync(join(root, 'bench/node_modules'))) return
  console.log('bench: installing the peers')
  const { code, output } = await capture(...npm('ci', '--prefix', 'bench', '--no-audit', '--no-fund'))
  if (code !== 0) console.log(`bench: no peers\n${output}`)
}

const [name = '', ...parameters] = process.argv.slice(2)
const names = namesIn('bench')
if (!names.includes(name)) {
  console.error(`npm run bench -- <name> [arguments]; names: ${names.join(', ')}`)
  process.exitCode = 2
} else if (await ready()) {
  await installPeers()
  process.exitCode = await runTypescript(`bench/${name}.ts`, parameters, { sandboxed: true })
} else process.exitCode = 1
