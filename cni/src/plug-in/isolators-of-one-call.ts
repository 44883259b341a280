import { PortMappingIsolator } from 'rtnetlink'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Isolators } from './isolators.js'

/** recover() would remove it: that is nothing for a call that only looks. @throws CniError 102 */
async function refuseDown(): Promise<void> {
  const { containers } = await PortMappingIsolator.inspect()
  const down = containers.find(({ up }) => !up)
  if (down)
    throw new CniError(
      CODE.checkFailed,
      `the link ${down.link} of container '${down.id}' is down: 'ip link set dev ${down.link} up' sets it up`,
    )
}

/**
 * Without a daemon: an isolator lives for a call. The kernel is the only database, and calls of several processes take turns.
 */
export const isolatorsOfOneCall: Isolators = {
  async use(options, knows, work) {
    const isolator = await PortMappingIsolator.create(options)
    try {
      if (knows === 'all') {
        await refuseDown()
        await isolator.recover('all')
      }
      return await work(isolator)
    } finally {
      await isolator.close()
    }
  },

  async remove(ids) {
    if (ids.length === 0) return
    const { left } = await PortMappingIsolator.remove({ ids })
    if (left.length > 0)
      throw new CniError(CODE.tryAgainLater, `not everything could be removed: ${left.join('; ')}`)
  },

  async ids() {
    return (await PortMappingIsolator.inspect()).containers.map(({ id }) => id)
  },

  async status() {
    const { prepared, faults } = await PortMappingIsolator.inspect()
    // A host that is prepared has shown what its kernel can do: nothing is to be tried out in a namespace made for it.
    if (!prepared) await PortMappingIsolator.probe()
    if (faults.length > 0) throw new CniError(CODE.limited, faults.join('; '))
  },
}
