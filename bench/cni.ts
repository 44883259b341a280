/**
 * What an ADD and a DEL of a CNI plug-in take: rtnetlink-cni, with its daemon and without, beside Debian's bridge, portmap and
 * firewall; with 1, 100 and 1,000 ports, alone and beside other containers.
 *
 *     npm run bench -- cni [rounds] [containers beside, 0 by default]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/cni/main.ts', process.argv.slice(2))
