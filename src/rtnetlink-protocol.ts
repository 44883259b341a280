import { NETLINK_ROUTE, NLM_F_CREATE, NLM_F_EXCL } from './netlink/constants.js'
import { messagesByType, type DeviceNames, type Explained, type Protocol } from './netlink/message-type.js'
import type { ObjectType, Verb } from './netlink/object-type.js'
import { RTM_GETSTATS, RTM_NEWSTATS } from './rtnetlink/link-statistics-messages.js'
import { linkProperty, netnsIdMessages } from './rtnetlink/index.js'
import { OBJECTS } from './rtnetlink-tables.js'

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

/** What links are asked for comes last: RTM_GETLINK stays that of links. */
const objects: readonly AnyObject[] = [linkProperty, ...Object.values(OBJECTS)]

/** The object and the verb of each message number. */
const meaning = new Map<number, { object: AnyObject; kind: 'new' | 'delete' | 'get' }>(
  objects.flatMap(object =>
    (['new', 'delete', 'get'] as const).map(kind => [object.messages[kind].type, { object, kind }] as const),
  ),
)

/** NETLINK_ROUTE: names its messages and the `ip` and `tc` commands that do the same. */
export const rtnetlinkProtocol: Protocol = {
  name: 'rtnetlink',
  number: NETLINK_ROUTE,
  messages: messagesByType(
    ...objects.flatMap(({ messages }) => Object.values(messages)),
    RTM_NEWSTATS,
    RTM_GETSTATS,
    ...Object.values(netnsIdMessages),
  ),
  command,
}

function command({ type, flags, body }: Explained, devices: DeviceNames): string | undefined {
  const found = meaning.get(type)
  if (!found) return undefined
  const { object, kind } = found
  return object.command(kind === 'new' ? writeVerb(object, flags) : kind, object.fromBody(body, devices))
}

/** The verb whose flags a request carries. */
function writeVerb({ flags }: AnyObject, sent: number): Verb {
  if (sent & NLM_F_EXCL) return 'add'
  const verb = (['replace', 'change'] as const).find(
    name => (flags[name] & NLM_F_CREATE) === (sent & NLM_F_CREATE),
  )
  return verb ?? 'change'
}
