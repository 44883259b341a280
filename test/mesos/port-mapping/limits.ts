import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { hasQdisc } from '../../helpers/privilege.js'
import { WIRE, type NamespaceRef } from '../../helpers/topology.js'
import type { IsolatedContainer } from '../../isolator/isolated-topology.js'

/** What is below a limit: fq_codel, where the kernel has it. */
export const BLOAT_REDUCTION = {
  bloatReduction: hasQdisc('fq_codel').skip === false ? 'fq_codel' : 'none',
} as const

/** The rate of the HTB class that takes what the device sends, in bytes per second: Mesos's `htb::cls::getConfig`. */
async function htbRate({ path }: NamespaceRef, dev: string): Promise<number | bigint | undefined> {
  await using rt = await RtnetlinkSocket.open({ netns: path })
  const classes = await rt.classes.list({ dev })
  const found = classes.find(({ classid }) => classid === '1:1')
  return found?.kind === 'htb' ? found.rate : undefined
}

/** What a container may send; undefined without a limit. */
export const egressRate = (container: NamespaceRef) => htbRate(container, WIRE)

/** What a container may receive. */
export const ingressRate = (host: NamespaceRef, { info }: IsolatedContainer) => htbRate(host, info.link)
