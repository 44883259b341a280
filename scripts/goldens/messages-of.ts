import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { align } from '../../src/netlink/codec/index.js'
import { NLMSG_HDRLEN } from '../../src/netlink/message.js'
import { spawnIn } from './namespace.js'

/** A message that a program sent or received, with sequence number and port id zeroed. */
export interface Traced {
  sent: boolean
  bytes: Uint8Array
}

/**
 * The netlink messages of a command, in order. strace shows bytes rather than its own reading of them with
 * `-e write=all` and `-e read=all`.
 */
export function messagesOf(namespace: string, command: string, seconds: number): Traced[] {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  const trace = join(folder, 'strace')
  try {
    const calls = 'trace=sendmsg,sendto,recvmsg,recvfrom'
    const options = ['-f', '-e', calls, '-e', 'read=all', '-e', 'write=all', '-e', 'signal=none', '-o', trace]
    const program = ['timeout', '-k', '1', `${seconds}`, 'bash', '-c', command]
    const { stderr } = spawnIn(namespace, ['strace', ...options, ...program])
    const messages = readFileSync(trace, 'utf8')
      .split(/^(?=\d+ )/m)
      .flatMap(messagesOfCall)
    if (messages.length === 0) throw new Error(`${command}: no messages: ${stderr}`)
    return messages
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * A call in the trace: a line of its own (`<... recvmsg resumed>` where another process came between), then ` | 00000  20 00 00 00 …  text |` for every 16
 * bytes.
 */
function messagesOfCall(text: string): Traced[] {
  const [, call = '', rest = ''] = /^\d+ +(?:<\.\.\. )?(\w+)(.*)/.exec(text) ?? []
  if (!rest.includes('nlmsg_len')) return []
  const dump = text.matchAll(/^ \| [0-9a-f]{5,} {2}([0-9a-f ]{49})/gm)
  const bytes = Buffer.from([...dump].map(([, hex = '']) => hex.replaceAll(' ', '')).join(''), 'hex')
  const traced: Traced[] = []
  // `bridge` sends its whole buffer: what follows the message is zero.
  for (let at = 0; at + NLMSG_HDRLEN <= bytes.length && bytes.readUInt32LE(at) >= NLMSG_HDRLEN;) {
    const length = bytes.readUInt32LE(at)
    const own = Uint8Array.from(bytes.subarray(at, at + length))
    own.fill(0, 8, 16)
    traced.push({ sent: call.startsWith('send'), bytes: own })
    at += align(length)
  }
  return traced
}
