import { NetlinkError } from '../netlink/errors.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import { Ethtool } from './ethtool.js'
import { ETHTOOL_MSG_LINKMODES_GET, linkModesBody } from './messages.js'

const getLinkModes = { name: 'ETHTOOL_MSG_LINKMODES_GET', body: linkModesBody }

/** SPEED_UNKNOWN, linux/ethtool.h */
const SPEED_UNKNOWN = 0xffffffff
const BYTES_PER_MEGABIT = 125_000

/**
 * The speed that a device says it has, in bytes per second; undefined where it says none: many virtual devices, those
 * that are down, and all of them in a kernel without CONFIG_ETHTOOL_NETLINK. Needs no privilege.
 *
 * What `/sys/class/net/<dev>/speed` tells, but of the device of that index in `netns`, whatever sysfs is mounted.
 */
export async function linkSpeed(netns: NetworkNamespace, ifindex: number): Promise<number | undefined> {
  const megabits = await Ethtool.in(netns, ethtool => megabitsOf(ethtool, ifindex))
  return megabits === undefined || megabits === SPEED_UNKNOWN || megabits === 0
    ? undefined
    : megabits * BYTES_PER_MEGABIT
}

async function megabitsOf(ethtool: Ethtool, ifindex: number): Promise<number | undefined> {
  const question = { cmd: ETHTOOL_MSG_LINKMODES_GET, version: 1, attributes: { header: { ifindex } } }
  try {
    return (await ethtool.ask(getLinkModes, question))?.attributes.speed
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  }
}
