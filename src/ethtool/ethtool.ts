import { NetlinkError } from '../netlink/errors.js'
import type { MessageType } from '../netlink/message-type.js'
import { openTransport } from '../netlink/open-transport.js'
import { NetlinkSocket } from '../netlink/socket.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import { ctrlBody, CTRL_CMD_GETFAMILY, GENL_ID_CTRL, NETLINK_GENERIC } from './messages.js'

const getFamily = { name: 'CTRL_CMD_GETFAMILY', type: GENL_ID_CTRL, body: ctrlBody }

/** A conversation with the kernel's ethtool family, by generic netlink. */
export class Ethtool {
  readonly #socket: NetlinkSocket
  readonly #familyId: number

  private constructor(socket: NetlinkSocket, familyId: number) {
    this.#socket = socket
    this.#familyId = familyId
  }

  /** Talks of the devices of a namespace; undefined, unasked, in a kernel without CONFIG_ETHTOOL_NETLINK. */
  static async in<T>(
    netns: NetworkNamespace,
    talk: (ethtool: Ethtool) => Promise<T>,
  ): Promise<T | undefined> {
    const socket = new NetlinkSocket(openTransport(NETLINK_GENERIC, netns), {
      name: 'genetlink',
      number: NETLINK_GENERIC,
      messages: new Map([[GENL_ID_CTRL, getFamily]]),
    })
    try {
      const familyId = await familyOf(socket)
      return familyId === undefined ? undefined : await talk(new Ethtool(socket, familyId))
    } finally {
      socket.close()
    }
  }

  /** Sends a message and decodes the first answer; undefined where only an ACK came. */
  ask<Out, In>({ name, body }: EthtoolMessage<Out, In>, value: In): Promise<Out | undefined> {
    return ask(this.#socket, { name, type: this.#familyId, body }, value)
  }
}

/** Request and answer have one form. */
export type EthtoolMessage<Out, In> = Omit<MessageType<Out, In>, 'type'>

async function ask<Out, In>(
  socket: NetlinkSocket,
  type: MessageType<Out, In>,
  body: In,
): Promise<Out | undefined> {
  const [reply] = await socket.request({ type, flags: 0, body: body as never })
  return reply?.decode(type)
}

async function familyOf(socket: NetlinkSocket): Promise<number | undefined> {
  const wanted = { cmd: CTRL_CMD_GETFAMILY, version: 1, attributes: { familyName: 'ethtool' } }
  try {
    return (await ask(socket, getFamily, wanted))?.attributes.familyId
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  }
}
