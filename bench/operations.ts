/**
 * What the isolator's calls cost beside 0, 100 and 1,000 containers: `create()` after a restart, `inspect()`, `verify(id)`,
 * `isolate()`, `cleanup()`, and `remove()` of everything.
 *
 *     npm run bench -- operations [calls]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/operations/main.ts', process.argv.slice(2))
