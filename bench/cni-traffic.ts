/**
 * What packets cost that a CNI plug-in has led into a container, beside a server on the host itself: latency, connections, throughput
 * and CPU time; rtnetlink-cni beside Debian's bridge, portmap, firewall and, where the kernel can, bandwidth.
 *
 *     npm run bench -- cni-traffic [rounds]
 */
import { runInOwnNetwork } from './src/own-network.js'

process.exitCode = await runInOwnNetwork('src/cni/traffic.ts', process.argv.slice(2))
