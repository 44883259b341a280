import type { Message, Request } from '../netlink/message.js'
import { netnsIdMessages } from './netns-id-messages.js'

/** NETNSA_NSID_NOT_ASSIGNED, linux/net_namespace.h. To assign, it means a number that the kernel chooses. */
const NOT_ASSIGNED = -1

/**
 * The numbers by which a network namespace knows others (`ip netns list-id`, net/core/net_namespace.c). A namespace gets
 * one there when it is asked for, or when a link has its other end in it, and keeps it while both namespaces live. Only
 * who may configure the one namespace can have it know another: what happens inside the other has no say.
 */
export const netnsId = {
  /** Has the socket's namespace know another, given by a file descriptor. Refused with `EEXIST` where it does already. */
  assign: (fd: number): Request<never> => ({
    type: netnsIdMessages.new,
    flags: 0,
    body: { family: 0, attributes: { nsid: NOT_ASSIGNED, fd } } as never,
  }),

  /** Asks for the number of a namespace, given by a file descriptor; {@link netnsId.of} reads the answer. */
  ask: (fd: number): Request<never> => ({
    type: netnsIdMessages.get,
    flags: 0,
    body: { family: 0, attributes: { fd } } as never,
  }),

  /** Asks for the number of the namespace that a process is in, which needs no right over the process. */
  askOfProcess: (pid: number): Request<never> => ({
    type: netnsIdMessages.get,
    flags: 0,
    body: { family: 0, attributes: { pid } } as never,
  }),

  /** The number in an answer, 0 or more; undefined where the socket's namespace does not know the other. */
  of(replies: readonly Message[]): number | undefined {
    const reply = replies.find(({ type }) => type === netnsIdMessages.new.type)
    const nsid = reply?.decode(netnsIdMessages.new).attributes.nsid
    return nsid === undefined || nsid === NOT_ASSIGNED ? undefined : nsid
  },
} as const
