import { object, oneOf, optional, type Declaration, type InputOf } from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import { attributes, s32, type Infer } from '../../netlink/codec/index.js'
import { messageBody, type DeviceNames } from '../../netlink/message-type.js'
import { interfaceName } from '../interface-name.js'
import { ifinfomsg } from '../link-attributes.js'
import {
  commonLinkAttributes,
  linkSettingsInput,
  settingsIn,
  settingsMessage,
  settingsWords,
  type CommonLinkAttributes,
  type LinkSettings,
} from '../link-settings.js'
import { shellWord } from '../../netlink/shell-word.js'
import type { LinkKind } from './link-kind.js'

const peerMembers = object({
  /** Id of the peer's network namespace in that of the link, where they differ; given by the kernel. */
  netnsid: optional(carriedBy(s32)),
})

/** The other end of a veth. It is set only when the link is made. */
export interface VethPeer extends LinkSettings, InputOf<typeof peerMembers> {}
const peerInput: Declaration<VethPeer> = object({}, linkSettingsInput, peerMembers)

const members = object({
  kind: oneOf('veth'),
  /**
   * Settings of the other end. Of a listed link, what the other end is found by: its `index`, and its `name` or, if it
   * is in another network namespace, `netnsid`. Its settings are those of the other link.
   */
  peer: optional(peerInput),
})

/** A pair of devices; what one transmits, the other receives. drivers/net/veth.c. */
export interface VethFields extends InputOf<typeof members> {}
export const vethInput: Declaration<VethFields> = members

/** VETH_INFO_*, linux/veth.h: the peer is a link message inside a link message. */
export const vethAttributes = attributes({
  peer: ['VETH_INFO_PEER', 1, messageBody(ifinfomsg, commonLinkAttributes)],
})

export const veth = {
  data: vethAttributes,

  toData({ peer }: VethFields) {
    if (!peer) return undefined
    if (peer.netnsid !== undefined) {
      throw new TypeError(
        `peer.netnsid: the kernel does not take the id ${peer.netnsid} of a namespace for a peer; give peer.netns`,
      )
    }
    const { attributes, ...flags } = settingsMessage(peer)
    const name = peer.name === undefined ? undefined : interfaceName('peer.name', peer.name)
    return { peer: { ...flags, index: peer.index, attributes: { ...attributes, name } } }
  },

  fromData(data: unknown, { link, linkNetnsid }: CommonLinkAttributes, devices: DeviceNames) {
    const { peer } = (data ?? {}) as Infer<typeof vethAttributes>
    if (peer) return { peer: settingsIn(peer, peer.change) }
    if (link === undefined) return {}
    if (linkNetnsid !== undefined) return { peer: { index: link, netnsid: linkNetnsid } }
    const name = devices.interfaceName(link)
    return { peer: { index: link, ...(name === undefined ? {} : { name }) } }
  },

  words({ peer }: VethFields) {
    if (!peer) return []
    const name = peer.name === undefined ? [] : [`name ${shellWord(peer.name)}`]
    const index = peer.index === undefined ? [] : [`index ${peer.index}`]
    return ['peer', ...name, ...index, ...settingsWords(peer)]
  },
} satisfies LinkKind<VethFields>
