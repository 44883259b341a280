import type { Test } from 'tap'
import { binding } from '../../src/native/binding.js'
import { split } from './netlink-bytes.js'
import { replaceMethod } from './replace-method.js'

/** One message to the kernel. */
interface SentMessage {
  /** RTM_* */
  readonly type: number
  /** Whether it asks for a whole table. */
  readonly isDump: boolean
}

/** What a call has asked of the kernel. */
export interface Asked {
  /** The messages of each sendmsg. */
  readonly sent: readonly (readonly SentMessage[])[]
  /** How many names and indexes of interfaces were asked for, by an ioctl each. */
  readonly ioctls: number
}

/** linux/netlink.h */
const NLM_F_DUMP = 0x300

/** How many sendmsg had a question for single objects of a type. */
export const batchesOf = ({ sent }: Asked, { type }: { readonly type: number }): number =>
  sent.filter(messages => messages.some(message => !message.isDump && message.type === type)).length

/** How many whole tables of a type a call has read. */
export const dumpsOf = ({ sent }: Asked, { type }: { readonly type: number }): number =>
  sent.flat().filter(message => message.isDump && message.type === type).length

/** Sees what this process asks of the kernel, by any socket with a thread, until the test ends. Returns what does so during a call. */
export function watchRequests(t: Test): (call: () => Promise<unknown>) => Promise<Asked> {
  let asked = { sent: [] as SentMessage[][], ioctls: 0 }
  const { prototype } = binding().Socket
  replaceMethod(
    t,
    prototype,
    'send',
    send =>
      function (bytes, token) {
        asked.sent.push(
          split(bytes).map(message => {
            const { buffer, byteOffset } = message
            const [type = 0, flags = 0] = new Uint16Array(buffer.slice(byteOffset + 4, byteOffset + 8))
            return { type, isDump: (flags & NLM_F_DUMP) === NLM_F_DUMP }
          }),
        )
        send.call(this, bytes, token)
      },
  )
  for (const name of ['interfaceIndex', 'interfaceName'] as const)
    replaceMethod(
      t,
      prototype as unknown as Record<typeof name, (of: never) => unknown>,
      name,
      original =>
        function (of) {
          asked.ioctls++
          return original.call(this, of)
        },
    )
  return async call => {
    asked = { sent: [], ioctls: 0 }
    await call()
    return asked
  }
}
