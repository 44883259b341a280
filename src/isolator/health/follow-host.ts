import type { HostContext } from '../host/context.js'
import { publicInterfaceChanged } from '../host/public-interface.js'
import { findingsChanged } from '../host/findings.js'
import type { Housekeeping } from './housekeeping.js'

/** Whether or not anybody follows the host, nothing is made for the host as it was. What is made stays. */
export async function followHost(host: HostContext, housekeeping: Housekeeping): Promise<void> {
  try {
    if (await hasChanged(host, housekeeping)) await housekeeping.hostChanged()
  } catch (error) {
    housekeeping.failed(error as Error)
  }
}

/** Routes and IPv6 addresses are looked at where changes are not seen as they happen. */
async function hasChanged(host: HostContext, { followsRoutes }: Housekeeping): Promise<boolean> {
  if (await publicInterfaceChanged(host)) return true
  return !followsRoutes && findingsChanged(host)
}
