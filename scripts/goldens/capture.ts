import { messagesIn, type Message } from '../../src/netlink/message.js'
import type { Golden } from '../../test/goldens/golden.js'
import { messagesOf } from './messages-of.js'
import { inNamespace, spawnIn } from './namespace.js'

/** What to capture: the messages of a command. */
export interface Capture {
  readonly about: string
  /** Shell commands beforehand, in the namespace of the capture. */
  readonly setup?: readonly string[]
  readonly command: string
  /** Which of the messages, by name; default: all of a reply, the last of what is sent. */
  readonly of?: RegExp
  /** Which of these, by what they say. */
  readonly only?: (value: never) => boolean
  /** A command that does not end by itself is ended after so many seconds. */
  readonly seconds?: number
}

/** The name and the value of a message, undefined where it is none that is wanted. */
export type Decode = (message: Message) => { name: string; value: unknown } | undefined

/** The messages of a command that can be decoded: those it sent, or those it received. */
export function capture(
  { about, setup = [], command, of = /^/, only, seconds = 10 }: Capture,
  direction: 'sent' | 'received',
  decode: Decode,
): Golden[] {
  const traced = inNamespace(namespace => {
    for (const line of setup) {
      const { status, stderr } = spawnIn(namespace, ['bash', '-c', line])
      if (status !== 0) throw new Error(`${line}: ${stderr}`)
    }
    return messagesOf(namespace, command, seconds)
  })
  const goldens = traced
    .filter(({ sent }) => sent === (direction === 'sent'))
    .flatMap(({ bytes }) => {
      const [message] = [...messagesIn(bytes)]
      const decoded = message && decode(message)
      return decoded && of.test(decoded.name) ? [{ bytes, value: decoded.value }] : []
    })
    .filter(({ value }) => only === undefined || only(value as never))
    .filter(({ bytes }, i, all) => all.findIndex(other => Buffer.compare(other.bytes, bytes) === 0) === i)
  if (goldens.length === 0) throw new Error(`${command}: nothing of ${traced.length} messages fits`)
  const chosen = direction === 'sent' ? goldens.slice(-1) : goldens
  return chosen.map(({ bytes, value }) => ({
    about,
    ...(setup.length > 0 && { setup }),
    command,
    bytes: Buffer.from(bytes).toString('hex'),
    value,
  }))
}
