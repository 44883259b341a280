import { having, type Declaration } from '../input/index.js'
import type { DeviceNames } from './message-type.js'

/**
 * What one turn of the I/O thread brought. Positional, because it is the hot path.
 *
 * @param chunk whole datagrams from the kernel, one behind the other, in a buffer that is not used again
 * @param token of the `send` that ended in this turn, 0 if none; what the kernel answered to it has arrived with it
 * @param sendErrno 0, or why that send failed (negative)
 * @param receiveErrno 0, or why receiving failed (negative): -ENOBUFS where the kernel dropped messages, -EMSGSIZE where
 *   one was larger than the receive buffer
 */
export type OnEvent = (
  chunk: Uint8Array | undefined,
  token: number,
  sendErrno: number,
  receiveErrno: number,
) => void

/** What the netlink layer needs of a socket. The native socket is one; tests write their own. */
export interface Transport extends DeviceNames {
  setReceiveBuffer(bytes: number): number
  setSendBuffer(bytes: number): number
  join(group: number): void
  leave(group: number): void
  /** Begins to receive, off the event loop. */
  start(onEvent: OnEvent): void
  /** Queues one sendmsg, off the event loop. */
  send(bytes: Uint8Array, token: number): void
  /** Stops reading; the kernel's queue fills up and overflows. */
  pause(): void
  resume(): void
  /** Sends, and waits for the first answers, which are good until the next call. Only without `start`. */
  exchangeSync(bytes: Uint8Array, timeoutMs: number): Uint8Array
  /** Waits for further answers, which are good until the next call. Only without `start`. */
  receiveSync(timeoutMs: number): Uint8Array
  /** Keeps the event loop alive. */
  ref(): void
  unref(): void
  /** Reports nothing more. May be called again. */
  close(): void
  /** Closes, and resolves when all that was open is closed. Default: `close()` leaves nothing open. */
  [Symbol.asyncDispose]?(): Promise<void>
}

/** A transport that a caller hands in. */
export const transportInput: Declaration<Transport> = having<Transport>(
  'a transport: a socket of binding()',
  ...(['setReceiveBuffer', 'setSendBuffer', 'join', 'leave', 'start', 'send', 'pause', 'resume'] as const),
  ...(['exchangeSync', 'receiveSync', 'ref', 'unref', 'close', 'interfaceIndex', 'interfaceName'] as const),
)
