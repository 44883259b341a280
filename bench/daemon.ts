/**
 * What rtnetlinkd costs while nothing happens, with no container and with many: memory and CPU time; and how long ADD and
 * DEL of one more container take then, the start of the client included.
 *
 *     npm run bench -- daemon [containers] [seconds]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/daemon/main.ts', process.argv.slice(2))
