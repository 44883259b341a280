import { binding, type NativeSocket } from '../../src/native/binding.js'
import { messagesIn, NETLINK_ROUTE, type LinkMessage } from './link-messages.js'

export interface Turn {
  messages: LinkMessage[]
  token: number
  sendErrno: number
  receiveErrno: number
}

/** A started NETLINK_ROUTE socket that keeps its events until they are asked for. */
export class StartedSocket {
  readonly native: NativeSocket
  readonly turns: Turn[] = []
  #arrived: () => void = () => undefined

  constructor(netns = -1) {
    this.native = new (binding().Socket)(NETLINK_ROUTE, netns)
    this.native.start((chunk, token, sendErrno, receiveErrno) => {
      this.turns.push({
        messages: chunk ? [...messagesIn(chunk)] : [],
        token,
        sendErrno,
        receiveErrno,
      })
      this.#arrived()
    })
  }

  /** The first turn that matches, now or later; it and those before it are forgotten. Sees each turn once. */
  async next(matches: (turn: Turn) => boolean): Promise<Turn> {
    this.native.ref()
    for (;;) {
      for (let turn = this.turns.shift(); turn; turn = this.turns.shift()) {
        if (!matches(turn)) continue
        this.native.unref()
        return turn
      }
      await new Promise<void>(resolve => (this.#arrived = resolve))
    }
  }

  exchange(bytes: Uint8Array, token: number): Promise<Turn> {
    this.native.send(bytes, token)
    return this.next(turn => turn.token === token)
  }
}
