/**
 * `npm run demo` and `npm run example -- <name> [arguments]`: run a file of examples/ as it is.
 *
 * The demo makes its own network and runs in a user namespace when the caller has no privileges; every other example
 * works on the machine as the caller may.
 */
import { readdirSync } from 'node:fs'
import { ready } from './ready.js'
import { root, run } from './run.js'
import { sandbox } from './sandbox.js'

const [name = '', ...parameters] = process.argv.slice(2)
const names = readdirSync(`${root}examples`)
  .filter(file => file.endsWith('.ts'))
  .map(file => file.slice(0, -'.ts'.length))

if (names.includes(name)) {
  await ready()
  const { prefix, reason } = name === 'demo' ? sandbox() : { prefix: [], reason: '' }
  if (reason !== '') console.log(`demo: ${reason}`)
  const node = [process.execPath, '--import', `${root}scripts/typescript.js`, '--enable-source-maps']
  const [command = '', ...args] = [...(prefix ?? []), ...node, `examples/${name}.ts`, ...parameters]
  process.exitCode = await run(command, args)
} else {
  console.error(`npm run example -- <name> [arguments]; names: ${names.join(', ')}`)
  process.exitCode = 2
}
