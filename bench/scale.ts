/**
 * Many containers at once: what the first and the last cost to isolate, what a packet to them costs, and how long it takes
 * to know them again and to take them away.
 *
 *     npm run bench -- scale [containers] [--ipv6]        default 1000; up to 3700 with 17 ports each; --ipv6: both families
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/scale/main.ts', process.argv.slice(2))
