import type { BatchResult } from '../../netlink/exchange.js'
import type { Request } from '../../netlink/message.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'

/**
 * Sends any number of questions, in few batches. An answer says what became of each.
 *
 * @param perBatch the answers of so many have to fit the receive buffer, which can be small without privileges
 */
export async function askMany(
  rt: RtnetlinkSocket,
  questions: readonly Request<never>[],
  perBatch: number,
): Promise<BatchResult[]> {
  const answers: BatchResult[] = []
  for (let i = 0; i < questions.length; i += perBatch)
    answers.push(...(await rt.send(questions.slice(i, i + perBatch))))
  return answers
}
