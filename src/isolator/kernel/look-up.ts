import { rememberNames } from '../../netlink/devices.js'
import { NLM_F_ECHO } from '../../netlink/constants.js'
import type { ObjectType } from '../../netlink/object-type.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { askMany } from './ask-many.js'

/** Objects that are asked for in one batch. */
export const OBJECTS_PER_BATCH = 48

/** The objects of many keys, in few batches; undefined for those that are not there. */
export async function lookUp<Spec, Key, Query, Decoded extends Spec>(
  rt: RtnetlinkSocket,
  object: ObjectType<Spec, Key, Query, Decoded>,
  keys: readonly Key[],
): Promise<(Decoded | undefined)[]> {
  const { get, new: answer } = object.messages
  const devices = rememberNames(rt.devices)
  const questions = keys.map(key => ({
    type: get,
    // The kernel answers for a class by a notification, which comes to the one who asks only under ECHO.
    flags: NLM_F_ECHO,
    body: object.toGet(key, devices) as never,
  }))
  const answers = await askMany(rt, questions, OBJECTS_PER_BATCH)
  return answers.map(({ replies }) => {
    const reply = replies.find(({ type }) => type === answer.type)
    return reply && object.fromBody(reply.decode(answer), devices)
  })
}
