import { argument, list } from '../input/index.js'
import type { Infer, InferInput } from '../netlink/codec/index.js'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js'
import { deviceInput, type Device } from '../netlink/devices.js'
import type { Request } from '../netlink/message.js'
import type { MessageType } from '../netlink/message-type.js'
import { alternativeNameInput, nameAttribute } from './interface-name.js'
import { linkBody } from './link-info.js'

type LinkMessage = MessageType<Infer<typeof linkBody>, InferInput<typeof linkBody>>

/** RTM_*LINKPROP, linux/rtnetlink.h */
export const RTM_NEWLINKPROP: LinkMessage = { name: 'RTM_NEWLINKPROP', type: 108, body: linkBody }
export const RTM_DELLINKPROP: LinkMessage = { name: 'RTM_DELLINKPROP', type: 109, body: linkBody }

/** Checks the arguments of a function of `alternativeNames`. */
function checkOf(of: string): (dev: unknown, names: unknown) => void {
  const checkDevice = argument(of, 'dev', deviceInput)
  const checkNames = argument(of, 'names', list(alternativeNameInput))
  return (dev, names) => {
    checkDevice(dev)
    checkNames(names)
  }
}

const checkAdd = checkOf('alternativeNames.add')
const checkDelete = checkOf('alternativeNames.delete')

/**
 * Further names of a link (`ip link property`, net/core/rtnetlink.c), up to 127 bytes each: the kernel finds the link by
 * any of them. These are requests for `send()` of a socket, and need CAP_NET_ADMIN.
 */
export const alternativeNames = {
  /** Gives a link further names. Refused with `EEXIST` if a link of the namespace has one of them. */
  add(dev: Device, names: readonly string[]): Request<never> {
    checkAdd(dev, names)
    return request(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, dev, names)
  },

  /** Takes names from a link. Refused with `EINVAL` if it has not got one of them. */
  delete(dev: Device, names: readonly string[]): Request<never> {
    checkDelete(dev, names)
    return request(RTM_DELLINKPROP, 0, dev, names)
  },
} as const

function request(
  type: MessageType<unknown, never>,
  flags: number,
  dev: Device,
  names: readonly string[],
): Request<never> {
  const link = typeof dev === 'number' ? { index: dev } : {}
  const name = typeof dev === 'string' ? nameAttribute(dev) : {}
  return { type, flags, body: { ...link, attributes: { ...name, altNames: names } } as never }
}
