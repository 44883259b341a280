import { rememberNames } from '../../netlink/devices.js'
import { NLM_F_ECHO } from '../../netlink/constants.js'
import type { ObjectType } from '../../netlink/object-type.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'

/** Asked for in one batch: the answers have to fit the receive buffer, which can be small without privileges. */
const QUESTIONS_PER_BATCH = 48

/** The objects of many keys, in few batches; undefined for those that are not there. */
export async function lookUp<Spec, Key, Query, Decoded extends Spec>(
  rt: RtnetlinkSocket,
  object: ObjectType<Spec, Key, Query, Decoded>,
  keys: readonly Key[],
): Promise<(Decoded | undefined)[]> {
  const { get, new: answer } = object.messages
  const devices = rememberNames(rt.devices)
  const found: (Decoded | undefined)[] = []
  for (let i = 0; i < keys.length; i += QUESTIONS_PER_BATCH) {
    const results = await rt.send(
      keys.slice(i, i + QUESTIONS_PER_BATCH).map(key => ({
        type: get,
        // The kernel answers for a class by a notification, which comes to the one who asks only under ECHO.
        flags: NLM_F_ECHO,
        body: object.toGet(key, devices) as never,
      })),
    )
    for (const { replies } of results) {
      const reply = replies.find(({ type }) => type === answer.type)
      found.push(reply && object.fromBody(reply.decode(answer), devices))
    }
  }
  return found
}
