import { NoSuchDeviceError } from '../../netlink/devices.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { Filter } from '../../tc/index.js'
import { isAsPlanned } from '../kernel/planned-as-listed.js'
import { likeOfHost6 } from '../plan/host.js'

/** Whether a filter steers IPv6 as ours do, for an address that the host had, or a router: whoever else has made it, it does our work. */
export function isFormer6(found: Filter, devices: DeviceNames): boolean {
  const like = likeOfHost6(found)
  try {
    return like !== undefined && isAsPlanned(found, like, devices)
  } catch (error) {
    if (error instanceof NoSuchDeviceError) return false
    throw error
  }
}
