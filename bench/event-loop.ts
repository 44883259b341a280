/**
 * What the event loop notices when another process holds the RTNL lock for two seconds and the isolator has to wait
 * for it: its delay, and when files and hashes asked for meanwhile are done.
 *
 *     npm run bench -- event-loop
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/event-loop/main.ts', process.argv.slice(2))
