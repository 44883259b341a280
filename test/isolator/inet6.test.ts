import t from 'tap'
import { run } from '../helpers/iproute2.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL, twoContainers6 } from './inet6-topology.js'
import { needsIsolation, type TopologyOfIsolator } from './isolated-topology.js'
import { talks } from './talks.js'

const SERVICE = 80

/** Whether one echo request is answered. */
const pings = async ({ path }: NamespaceRef, address: string): Promise<boolean> =>
  run('nsenter', [`--net=${path}`, 'ping', '-c1', '-W2', address]).then(
    () => true,
    () => false,
  )

const VARIANTS: TopologyOfIsolator[] = [
  {},
  { neighbours: 'gateway' },
  { neighbours6: 'prefix' },
  { egressEnforcement: 'host', egressRateLimitPerContainer: '100MB', bloatReduction: 'none' },
  { hostAccess: '80' },
]

for (const options of VARIANTS) {
  t.test(`both families: ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const { isolator, remote, host, c1, c2 } = await twoContainers6(t, options)
    for (const [wire, shared, loopback] of [
      [REMOTE_IP, HOST_IP, '127.0.0.1'],
      [REMOTE_IP6, HOST_IP6, '::1'],
    ] as const) {
      await talks(t, 'container to remote', {
        from: c1,
        to: remote,
        address: wire,
        port: SERVICE,
        seenAs: shared,
      })
      await talks(t, 'remote to container', {
        ...{ from: remote, to: c2, address: shared, port: c2.port, seenAs: wire },
      })
      await talks(t, 'remote to host', {
        from: remote,
        to: host,
        address: shared,
        port: SERVICE,
        seenAs: wire,
      })
      await talks(t, 'host to remote', {
        from: host,
        to: remote,
        address: wire,
        port: SERVICE,
        seenAs: shared,
      })
      for (const address of [shared, loopback]) {
        const seenAs = address
        await talks(t, 'container to host', { from: c1, to: host, address, port: SERVICE, seenAs })
        await talks(t, 'host to container', { from: host, to: c1, address, port: c1.port, seenAs })
        await talks(t, 'container to container', { from: c1, to: c2, address, port: c2.port, seenAs })
        await talks(t, 'container to itself', { from: c1, to: c1, address, port: c1.port, seenAs })
        t.ok(await pings(c1, address), `container pings ${address}`)
      }
      t.ok(await pings(c1, wire), `container pings ${wire}`)
      t.ok(await pings(host, wire), `host pings ${wire}`)
      t.ok(await pings(remote, shared), `remote pings ${shared}`)
    }
    t.ok(
      await pings(c1, `${REMOTE_LINK_LOCAL}%eth0`),
      'container pings the gateway by its link-local address',
    )
    t.ok(await pings(remote, `${HOST_LINK_LOCAL}%eth0`), 'remote pings the host by its link-local address')
    t.strictSame(await isolator.verify(), [])
  })
}
