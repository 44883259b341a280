/** A container runtime by the CRI of Kubernetes: gRPC over HTTP/2, as far as a test of pods needs it. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** Fields of a message of protobuf, by number. Of a list there is a field for each element. */
export type Fields = readonly (readonly [field: number, value: string | number | Fields])[]

/** @see https://protobuf.dev/programming-guides/encoding/ */
export function encode(fields: Fields): Buffer {
  return Buffer.concat(
    fields.flatMap(([field, value]) => {
      if (typeof value === 'number') return [varint(field << 3), varint(value)]
      const bytes = typeof value === 'string' ? Buffer.from(value) : encode(value)
      return [varint((field << 3) | 2), varint(bytes.length), bytes]
    }),
  )
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}

/** The first field of a number that has a length: text, or a message. */
export function fieldOf(message: Buffer, wanted: number): Buffer {
  let at = 0
  const number = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const key = number()
    const length = number()
    if ((key & 7) === 0) continue
    if (key >>> 3 === wanted) return message.subarray(at, at + length)
    at += length
  }
  return Buffer.alloc(0)
}

/** Calls a method of the runtime. Rejects with what the runtime says. */
export async function callRuntime(socket: string, method: string, request: Fields): Promise<Buffer> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) })
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/runtime.v1.RuntimeService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: Record<string, unknown> = {}
    const note = (headers: object): void => {
      status = { ...status, ...headers }
    }
    stream.on('response', note).on('trailers', note)
    const body = encode(request)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([head, body]))
    const answer = await buffer(stream)
    if (status['grpc-status'] !== '0')
      throw new Error(`${method}: ${decodeURIComponent(String(status['grpc-message']))}`)
    return answer.subarray(5)
  } finally {
    session.close()
    await once(session, 'close')
  }
}
