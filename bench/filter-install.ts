/**
 * Latency of installing u32 filters that redirect to a veth: rtnetlink beside the bare system calls, libnl, tc and other
 * netlink libraries, all in one alternated run.
 *
 *     npm run bench -- filter-install [rounds]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/filter-install/main.ts', process.argv.slice(2))
