import { namedNumbers } from '../netlink/codec/named.js'

/** TCP_* of net/tcp_states.h, in the words of `ss`. Other protocols use them too: an unconnected UDP socket is `closed`. */
export const socketStates = namedNumbers('socket state', {
  established: 1,
  'syn-sent': 2,
  'syn-recv': 3,
  'fin-wait-1': 4,
  'fin-wait-2': 5,
  'time-wait': 6,
  closed: 7,
  'close-wait': 8,
  'last-ack': 9,
  listening: 10,
  closing: 11,
  'new-syn-recv': 12,
  'bound-inactive': 13,
})

export type SocketState = keyof typeof socketStates.numbers | number

/** `idiag_states`: the set of states to list. All of them where nothing is said. */
export const stateMask = (states: readonly SocketState[] | undefined): number =>
  states === undefined
    ? 0xffff_ffff
    : states.reduce<number>((mask, state) => mask | (1 << socketStates.toNumber(state)), 0)
