import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { LinkSpec } from '../../src/rtnetlink/index.js'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { run } from '../helpers/iproute2.js'
import { removeNamespaces, type NamespaceRef } from '../helpers/topology.js'

export interface Scratch extends NamespaceRef {
  /** A socket in the namespace. */
  rt: RtnetlinkSocketSync
}

/** A network namespace with a name in /run/netns and a socket in it, which end with the test. */
export async function scratch(t: Test): Promise<Scratch> {
  const name = `r${randomBytes(4).toString('hex')}`
  const namespace = { name, path: `/run/netns/${name}` }
  await run('ip', ['netns', 'add', name])
  t.teardown(() => removeNamespaces([namespace]))
  const rt = RtnetlinkSocketSync.open({ netns: name })
  t.teardown(() => {
    rt.close()
  })
  return { ...namespace, rt }
}

/** A veth of which everything is set that one message can set. */
export const VETH: LinkSpec = {
  name: 'a0',
  kind: 'veth',
  index: 20,
  address: '02:00:00:00:00:0a',
  mtu: 1400,
  group: 7,
  txQueueLength: 500,
  arp: false,
  multicast: false,
  peer: { name: 'b0', index: 21, address: '02:00:00:00:00:0b', mtu: 1300, group: 8 },
}

/** A pair that is up, without link-local addresses. */
export function makePair({ rt }: Scratch): void {
  rt.links.add(VETH)
  for (const dev of ['a0', 'b0']) rt.links.change({ dev, inet6: { addrGenMode: 'none' } })
  for (const dev of ['a0', 'b0']) rt.links.change({ dev, up: true })
}

/** Runs a line of our own making with bash, as a user would paste it, in the namespace. */
export const bash = ({ path }: NamespaceRef, line: string): Promise<string> =>
  run('nsenter', [`--net=${path}`, 'bash', '-euc', line])
