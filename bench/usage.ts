/**
 * What the statistics of containers cost: the time of `usageAll()` and `usage(id)`, how long the event loop is blocked
 * at most, and processes started.
 *
 *     npm run bench -- usage [calls]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/usage/main.ts', process.argv.slice(2))
