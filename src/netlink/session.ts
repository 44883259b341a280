import { argument } from '../input/index.js'
import { NLM_F_DUMP } from './constants.js'
import {
  BatchExchange,
  DumpExchange,
  SingleExchange,
  type Exchange,
  type ExchangeContext,
} from './exchange.js'
import { MadeRequest, requestInput, type Request } from './message.js'
import type { Protocol } from './message-type.js'
import { packRequests, refuseTooLong, RequestBuffer, type SendLimits } from './request-buffer.js'
import type { Transport } from './transport.js'

/** Bytes of one sendmsg where the caller does not say. Well below SEND_BUFFER, and enough for a container of 300 filters. */
const SEND_BYTES = 128 * 1024
/** SO_SNDBUF: netlink refuses a datagram larger than it. */
const SEND_BUFFER = 2 * SEND_BYTES
/** What of SO_SNDBUF is not for the datagram (netlink_sendmsg in net/netlink/af_netlink.c). */
const SEND_OVERHEAD = 32
/** SO_RCVBUF: room for the refusal of every message of a batch. */
const RECEIVE_BUFFER = 4 * 1024 * 1024
/** What one refusal costs of SO_RCVBUF: truesize of a small skb with its error and text, rounded up. */
const REFUSAL_BYTES = 1280

const checkRequest = argument('NetlinkSocket.request', 'request', requestInput)
const checkDump = argument('NetlinkSocket.dump', 'request', requestInput)

/** How often an interrupted dump is repeated before it is an error. */
export const DUMP_ATTEMPTS = 10

/** Sequence numbers, buffers, limits and the making of exchanges: what the asynchronous and the synchronous socket share. */
export class Session {
  readonly limits: SendLimits
  readonly #context: ExchangeContext
  #sequence = 0
  /** A buffer that is not in use. One is kept, and grows to what the socket usually sends. */
  #spare: RequestBuffer | undefined

  constructor(protocol: Protocol, transport: Transport) {
    this.#context = { protocol, devices: transport }
    const sendBuffer = transport.setSendBuffer(SEND_BUFFER)
    const receiveBuffer = transport.setReceiveBuffer(RECEIVE_BUFFER)
    this.limits = {
      bytes: Math.min(SEND_BYTES, sendBuffer - SEND_OVERHEAD),
      messages: Math.max(64, Math.floor(receiveBuffer / REFUSAL_BYTES)),
    }
  }

  /** One request. */
  single(request: Request<never>): SingleExchange {
    if (!(request instanceof MadeRequest)) checkRequest(request)
    this.#sequence = this.#firstSequence()
    const buffer = this.#newBuffer(this.#sequence)
    buffer.add(request)
    refuseTooLong(buffer, request, this.limits)
    return new SingleExchange(buffer, this.#context)
  }

  /** Many requests, which are sent in as few parts as the limits allow. */
  batch(requests: Iterable<Request<never>>): BatchExchange[] {
    const buffers = packRequests(requests, this.limits, this.#firstSequence(), this.#newBuffer)
    const last = buffers.at(-1)
    if (last) this.#sequence = last.firstSequence + last.count - 1
    return buffers.map(buffer => new BatchExchange(buffer, this.#context))
  }

  dump(request: Request<never>, maxMessages?: number): DumpExchange {
    checkDump(request)
    this.#sequence = this.#firstSequence()
    const buffer = this.#newBuffer(this.#sequence)
    buffer.add({ ...request, flags: request.flags | NLM_F_DUMP })
    return new DumpExchange(buffer, this.#context, maxMessages)
  }

  /** Takes back the buffer of an exchange that is over. */
  release({ requests }: Exchange<unknown>): void {
    this.#spare = requests
  }

  readonly #newBuffer = (firstSequence: number): RequestBuffer => {
    const buffer = this.#spare ?? new RequestBuffer(firstSequence)
    this.#spare = undefined
    buffer.restart(firstSequence)
    return buffer
  }

  /** Begins anew well before 32 bits are used up, so that numbers are consecutive in a batch. 0 means notification. */
  #firstSequence(): number {
    return this.#sequence < 0xf000_0000 ? this.#sequence + 1 : 1
  }
}
