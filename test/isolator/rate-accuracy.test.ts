import t from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { tcpTransfer } from '../helpers/tcp-transfer.js'
import { HOST_IP, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { HOST_IP6, REMOTE_IP6, twoContainers6 } from './inet6-topology.js'
import { needsIsolation } from './isolated-topology.js'

/** Bytes per second: 10 Mbit/s; two seconds and a half of it. */
const RATE = 1_250_000
const SIZE = 2.5 * RATE

/** What may go at once, at the most: HTB's burst, and the one GSO packet that it does not take apart. */
const BURST = RATE / 250 + 65_536

/** Packets that the limit on what the device sends has dropped. */
async function dropsOf({ path }: NamespaceRef, dev: string): Promise<number | undefined> {
  await using rt = await RtnetlinkSocket.open({ netns: path })
  return (await rt.qdiscs.list({ dev })).find(({ kind }) => kind === 'htb')?.statistics.drops
}

// How near to the rate it comes is for `npm run bench -- rate-limits`: a busy machine is late, but never too fast.
for (const [atRemote, atHost] of [
  [REMOTE_IP, HOST_IP],
  [REMOTE_IP6, HOST_IP6],
] as const) {
  t.test(
    `a rate limit is not exceeded, and delays but does not drop: to ${atRemote}`,
    allOf(needsIsolation(), hasQdisc('htb')),
    async t => {
      const { remote, host, c1 } = await twoContainers6(t, {
        egressRateLimitPerContainer: RATE,
        ingressRateLimitPerContainer: RATE,
        bloatReduction: 'none',
      })
      const least = (SIZE - BURST) / RATE
      const sending = await tcpTransfer({ from: c1, to: remote, address: atRemote, port: 80, size: SIZE })
      t.ok(sending >= least, `sent in ${sending.toFixed(2)} s, at least ${least.toFixed(2)}`)
      const receiving = await tcpTransfer({
        from: remote,
        to: c1,
        address: atHost,
        port: c1.port,
        size: SIZE,
      })
      t.ok(receiving >= least, `received in ${receiving.toFixed(2)} s`)
      t.equal(await dropsOf(c1, WIRE), 0, 'nothing dropped of what it sent')
      t.equal(await dropsOf(host, c1.info.link), 0, 'nor of what it received')

      const free = await tcpTransfer({ from: host, to: remote, address: atRemote, port: 80, size: SIZE })
      t.ok(free < least, `the host, which has no limit, sent in ${free.toFixed(2)} s`)
    },
  )
}
