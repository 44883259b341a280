import { NetworkNamespace, type NetnsReference } from '../../netns/network-namespace.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { readHoldings } from '../host/holdings.js'
import type { IsolatorError } from '../isolator-error.js'
import { asChange } from '../host/change-note.js'
import { aloneOnHost } from '../host/lock.js'
import type { HostRecord } from '../layout/host-record.js'
import { openNetns } from '../kernel/open-netns.js'
import { seeContainers } from '../recovery/seen.js'
import { RemovalLog, type Removal } from './removal.js'
import { removeByIds } from './remove-containers.js'
import { removeEverything, type RemovedHost } from './remove-host.js'

/**
 * Removes everything of ours from a host, or the containers of some ids alone, by what the kernel holds.
 *
 * @throws IsolatorError ERR_HOST_BUSY where another is not through with this host within 30 s
 */
export async function remove(
  reference: NetnsReference | undefined,
  ids: readonly string[] | undefined,
): Promise<Removal> {
  const netns = reference === undefined ? NetworkNamespace.current() : openNetns(reference)
  let rt: RtnetlinkSocket | undefined
  try {
    rt = await RtnetlinkSocket.open({ netns })
    const host = { netns, rt }
    return await aloneOnHost(netns, async () => {
      const log = new RemovalLog()
      const seen = await seeContainers(host, await readHoldings(host.rt))
      if (ids) await asChange(host.rt, () => removeByIds(host, seen, ids, log))
      else await removeEverything(host, seen, log)
      return log.result
    })
  } finally {
    await rt?.[Symbol.asyncDispose]()
    netns.close()
  }
}

/**
 * The same for an isolator that is destroyed, which has the lock already.
 *
 * @param record what has to be restored, should somebody have overwritten the note of it
 * @param report is called if something inside a container could not be removed, which stays there
 * @throws the first failure, once everything has been tried
 */
export async function removeWhole(
  host: RemovedHost,
  record: HostRecord,
  report: (error: IsolatorError) => void,
): Promise<void> {
  const log = new RemovalLog(report)
  const holdings = await readHoldings(host.rt)
  const seen = await seeContainers(host, { ...holdings, record: holdings.record ?? record })
  await removeEverything(host, seen, log)
  if (log.isPartial) throw log.cause
}
