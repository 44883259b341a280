import { binding } from '../native/binding.js'
import { NetlinkError } from '../netlink/errors.js'
import type { MessageType } from '../netlink/message-type.js'
import { NetlinkSocket } from '../netlink/socket.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import {
  ctrlBody,
  CTRL_CMD_GETFAMILY,
  ETHTOOL_MSG_LINKMODES_GET,
  GENL_ID_CTRL,
  linkModesBody,
  NETLINK_GENERIC,
} from './messages.js'

const getFamily = { name: 'CTRL_CMD_GETFAMILY', type: GENL_ID_CTRL, body: ctrlBody }

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
  const socket = new NetlinkSocket(new (binding().Socket)(NETLINK_GENERIC, netns.fd), {
    name: 'genetlink',
    number: NETLINK_GENERIC,
    messages: new Map([[GENL_ID_CTRL, getFamily]]),
  })
  try {
    const megabits = await megabitsOf(socket, ifindex)
    return megabits === undefined || megabits === SPEED_UNKNOWN || megabits === 0
      ? undefined
      : megabits * BYTES_PER_MEGABIT
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  } finally {
    socket.close()
  }
}

async function megabitsOf(socket: NetlinkSocket, ifindex: number): Promise<number | undefined> {
  const family = await ask(socket, getFamily, {
    cmd: CTRL_CMD_GETFAMILY,
    version: 1,
    attributes: { familyName: 'ethtool' },
  })
  const { familyId } = family.attributes
  if (familyId === undefined) return undefined
  const getLinkModes = { name: 'ETHTOOL_MSG_LINKMODES_GET', type: familyId, body: linkModesBody }
  const modes = await ask(socket, getLinkModes, {
    cmd: ETHTOOL_MSG_LINKMODES_GET,
    version: 1,
    attributes: { header: { ifindex } },
  })
  return modes.attributes.speed
}

/** Sends a request and decodes the first answer, which has the type of the request. */
async function ask<Out, In>(socket: NetlinkSocket, type: MessageType<Out, In>, body: In): Promise<Out> {
  const [reply] = await socket.request({ type, flags: 0, body: body as never })
  if (!reply) throw new Error(`${type.name} was acknowledged without an answer`)
  return reply.decode(type)
}
