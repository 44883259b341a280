import type { Call, Reply } from '../spec/call.js'
import { CniError, CODE } from '../spec/cni-error.js'

/*
 * What passes between cni/client/rtnetlink-cni.c and the daemon. A call: NAME=value NUL for each variable, one NUL more, the
 * network's configuration. A reply: the exit status, a line feed, what to print, one NUL, without which it is not whole.
 */

const NUL = 0

/** The variables that a client may hand over. */
const NAME = /^(CNI_[A-Z_]+|RTNETLINK_NETNS)$/

/** @throws CniError 4 for what no client sends */
export function readCall(bytes: Buffer): Call {
  const environment: Record<string, string> = {}
  let start = 0
  for (;;) {
    const end = bytes.indexOf(NUL, start)
    if (end < 0)
      throw new CniError(CODE.invalidEnvironment, 'the call ends within its variables: its client has ended')
    if (end === start) break
    const variable = bytes.toString('utf8', start, end)
    const name = variable.split('=', 1)[0] ?? ''
    if (NAME.test(name)) environment[name] = variable.slice(name.length + 1)
    start = end + 1
  }
  return { environment, input: bytes.toString('utf8', start + 1) }
}

export const writeReply = ({ status, output }: Reply): string => `${status}\n${output}\0`
