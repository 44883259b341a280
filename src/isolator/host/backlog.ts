import { promises } from 'node:fs'
import { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'

/**
 * How many packets may wait for a CPU. An echo reply or ARP reply is copied to every container, and copies beyond this are
 * lost. One for the whole kernel: only the first network namespace has it (net/core/sysctl_net_core.c).
 */
export const BACKLOG = 'net.core.netdev_max_backlog'

const PATH = sysctlPath(BACKLOG)

/** Its value; undefined outside of the first network namespace, where it can neither be seen nor changed. */
export async function readBacklog(): Promise<number | undefined> {
  try {
    return Number(await promises.readFile(PATH, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** As all sysctls are written, which also works where /proc/sys is mounted read-only. */
export async function writeBacklog(packets: number): Promise<void> {
  await using netns = NetworkNamespace.current()
  await netns.writeSysctl(BACKLOG, packets)
}

/** Says that some of so many containers will miss answers, and what to do about it. */
export function warnOfBacklog(containers: number, backlog: number): void {
  process.emitWarning(
    `there is room for ${containers} containers, but ${BACKLOG} is ${backlog}: of an ARP or echo reply, ` +
      `which each of them gets a copy of, copies beyond that are lost. Run sysctl -w ${BACKLOG}=${2 * containers}, ` +
      'or create the isolator with raiseNetdevMaxBacklog: true',
    { code: 'RTNETLINK_BACKLOG' },
  )
}
