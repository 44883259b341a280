/**
 * What looking at one container and at all costs: the time of `verify(id)`, `repair(id)` and `verify()` beside 1, 100 and
 * 1,000 containers.
 *
 *     npm run bench -- verify [calls]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/verify/main.ts', process.argv.slice(2))
