import type { Infer } from '../netlink/codec/index.js'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js'
import { deviceName, type Device } from '../netlink/devices.js'
import { deviceWord } from '../netlink/device-word.js'
import type { ObjectType } from '../netlink/object-type.js'
import { shellWord } from '../netlink/shell-word.js'
import { alternativeNames, RTM_DELLINKPROP, RTM_NEWLINKPROP } from './alternative-names.js'
import type { linkBody } from './link-info.js'
import { linkMessages } from './link-messages.js'

/** Further names of a link. The kernel takes them in order, up to the first that some link has already. */
export interface LinkProperty {
  dev: Device
  /** Each up to 127 bytes (ALTIFNAMSIZ in linux/if.h). */
  alternativeNames: readonly string[]
}

const FLAGS = NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND

/** Alternative names as an object that is added and deleted: `ip link property`, rtnl_linkprop in net/core/rtnetlink.c. Linux 5.5. */
export const linkProperty: ObjectType<LinkProperty, LinkProperty, never, LinkProperty> = {
  name: 'link property',
  messages: { new: RTM_NEWLINKPROP, delete: RTM_DELLINKPROP, get: linkMessages.get },
  flags: { add: FLAGS, replace: FLAGS, change: FLAGS },
  toNew: ({ dev, alternativeNames: names }) => alternativeNames.add(dev, names).body,
  toDelete: ({ dev, alternativeNames: names }) => alternativeNames.delete(dev, names).body,
  toGet: ({ dev }) => alternativeNames.delete(dev, []).body,
  toDump: () => ({}),
  fromBody(body, devices): LinkProperty {
    const { index, attributes } = body as Infer<typeof linkBody>
    const dev = attributes.name ?? attributes.altName ?? deviceName(devices, index)
    return { dev, alternativeNames: attributes.altNames ?? [] }
  },
  identity: ({ dev }) => `${dev}`,
  command(verb, { dev, alternativeNames: names }) {
    const words = names.map(name => `altname ${shellWord(name)}`)
    return ['ip link property', verb === 'delete' ? 'del' : 'add', 'dev', deviceWord(dev), ...words].join(' ')
  },
}
