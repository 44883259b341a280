/**
 * `npm run demo` and `npm run example -- <name> [arguments]`: run a file of examples/ as it is.
 *
 * The demo makes its own network and runs in a user namespace when the caller has no privileges; every other example
 * works on the machine as the caller may.
 */
import { ready } from './ready.js'
import { namesIn, runTypescript } from './run-typescript.js'

const [name = '', ...parameters] = process.argv.slice(2)
const names = namesIn('examples')
if (!names.includes(name)) {
  console.error(`npm run example -- <name> [arguments]; names: ${names.join(', ')}`)
  process.exitCode = 2
} else if (await ready()) {
  process.exitCode = await runTypescript(`examples/${name}.ts`, parameters, { sandboxed: name === 'demo' })
} else process.exitCode = 1
