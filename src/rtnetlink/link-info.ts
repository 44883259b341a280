import { attributesIn } from '../netlink/codec/attribute.js'
import { attributes, bareText, binary, byKind, reported, uncarried } from '../netlink/codec/index.js'
import { messageBody } from '../netlink/message-type.js'
import { bridgePortAttributes } from './bridge-port.js'
import { bridge } from './kinds/bridge.js'
import { veth } from './kinds/veth.js'
import { vlan } from './kinds/vlan.js'
import { commonLinkDeclarations, ifinfomsg } from './link-attributes.js'

/** IFLA_BOND_SLAVE_QUEUE_ID and IFLA_BOND_SLAVE_PRIO, linux/if_link.h: what of the port of a bond can be set. */
const BOND_SLAVE_SETTINGS = [5, 9]

/** Ports of bonds, VRFs and teams report their state, but for the two settings of a bond's. */
const otherPorts = uncarried(binary, bytes => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return [...attributesIn(view, 0, bytes.length)].some(
    ({ type, at, end }) =>
      BOND_SLAVE_SETTINGS.includes(type) && bytes.subarray(at, end).some(byte => byte !== 0),
  )
})

/** IFLA_INFO_*, linux/if_link.h */
export const linkInfoAttributes = attributes({
  kind: ['IFLA_INFO_KIND', 1, bareText],
  data: ['IFLA_INFO_DATA', 2, byKind('kind', { bridge: bridge.data, veth: veth.data, vlan: vlan.data })],
  xstats: ['IFLA_INFO_XSTATS', 3, reported(binary)],
  slaveKind: ['IFLA_INFO_SLAVE_KIND', 4, bareText],
  slaveData: ['IFLA_INFO_SLAVE_DATA', 5, byKind('slaveKind', { bridge: bridgePortAttributes }, otherPorts)],
})

const { afSpec, ...declarations } = {
  ...commonLinkDeclarations,
  linkInfo: ['IFLA_LINKINFO', 18, linkInfoAttributes],
} as const

/** All of IFLA_*, linux/if_link.h */
export const linkAttributes = attributes({ ...declarations, afSpec })

const deviceBody = messageBody(ifinfomsg, linkAttributes)

/** What a bridge reports about its ports: IFLA_AF_SPEC holds VLANs there (IFLA_BRIDGE_*), and stays among the unknown. */
const bridgePortBody = messageBody(ifinfomsg, attributes(declarations))

/** sys/socket.h */
const AF_BRIDGE = 7

/** The body of RTM_NEWLINK, RTM_DELLINK and RTM_GETLINK. */
export const linkBody: typeof deviceBody = {
  ...deviceBody,
  get: (view, at, end) =>
    (end > at && view.getUint8(at) === AF_BRIDGE ? bridgePortBody : deviceBody).get(view, at, end),
}
