import { containerInterfaceName, interfaceName } from 'rtnetlink'
import type { Call } from './call.js'
import { CniError, CODE } from './cni-error.js'

/** What a plug-in can be asked for. */
export const COMMANDS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const

export type Command = (typeof COMMANDS)[number]

/** The container that a call is about. */
export interface Attachment {
  readonly containerId: string
  /** What its interface is called inside. */
  readonly ifname: string
}

/** What a container that is to be there asks for, and where it is; a DEL may come when that is gone. */
export interface Sandbox {
  /** What CNI_ARGS says, by name. */
  readonly args: ReadonlyMap<string, string>
  /** The path of the network namespace, as the runtime has it. */
  readonly netns: string
  /** The same, opened by our client, for a daemon in another mount namespace. */
  readonly handle: string | undefined
}

/** @throws CniError 4 for one that is missing or unknown */
export function commandOf({ environment: { CNI_COMMAND } }: Call): Command {
  const command = COMMANDS.find(one => one === CNI_COMMAND)
  if (command) return command
  throw invalid('CNI_COMMAND', CNI_COMMAND, `one of ${COMMANDS.join(', ')}`)
}

/** The container of an ADD, DEL or CHECK. @throws CniError 4 for a variable that is missing or malformed */
export function attachmentOf({ environment: { CNI_CONTAINERID = '', CNI_IFNAME = '' } }: Call): Attachment {
  if (!isContainerId(CNI_CONTAINERID))
    throw invalid(
      'CNI_CONTAINERID',
      CNI_CONTAINERID,
      'a letter or digit, then letters, digits, dot, dash and underscore',
    )
  if (!interfaceName.accepts(CNI_IFNAME)) throw invalid('CNI_IFNAME', CNI_IFNAME, interfaceName.words)
  return { containerId: CNI_CONTAINERID, ifname: CNI_IFNAME }
}

/** The rest of an ADD or CHECK. @throws CniError 4 */
export function sandboxOf({
  environment: { CNI_NETNS = '', CNI_IFNAME = '', CNI_ARGS = '', RTNETLINK_NETNS },
}: Call): Sandbox {
  if (!containerInterfaceName.accepts(CNI_IFNAME))
    throw invalid('CNI_IFNAME', CNI_IFNAME, containerInterfaceName.words)
  if (CNI_NETNS !== '') return { netns: CNI_NETNS, handle: RTNETLINK_NETNS, args: argumentsIn(CNI_ARGS) }
  throw invalid('CNI_NETNS', CNI_NETNS, "the path of the container's network namespace")
}

/** The `containerID` of the specification. Our ids hold 200 bytes, the network's name among them. */
const isContainerId = (id: string): boolean => /^[a-z0-9][a-z0-9_.-]*$/i.test(id)

/** `A=1;B=2`. @throws CniError 4 for a pair without `=` */
function argumentsIn(text: string): Map<string, string> {
  const pairs = text.split(';').filter(pair => pair !== '')
  return new Map(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
      throw invalid('CNI_ARGS', text, 'pairs such as NAME=value, with a semicolon between them')
    }),
  )
}

function invalid(variable: string, value: string | undefined, expected: string): CniError {
  const given = value === undefined || value === '' ? 'is not set' : `is '${value}'`
  return new CniError(CODE.invalidEnvironment, `${variable} ${given}: expected ${expected}`)
}
