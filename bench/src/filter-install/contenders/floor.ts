import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from '../../compile.js'
import type { Contender, Form } from '../../contender.js'
import { BUILD } from '../../folders.js'
import { samplesOf } from '../../output.js'
import { encodedFilters } from '../encoded-filters.js'
import { filters, FILTERS_PER_TABLE, type Workload } from '../workload.js'

/** A C program that sends, `perSample` in a sendmsg, the very bytes that rtnetlink encodes. */
const floor = (form: Form, perSample: number, byThread = false): Contender<Workload> => ({
  name: byThread ? 'C, pre-encoded, by a thread' : 'floor: C, pre-encoded',
  form,
  ...(!byThread && { floor: true }),
  perSample,
  async prepare(workload) {
    const program = await compile('floor')
    const messages = join(BUILD, 'filters.netlink')
    await writeFile(messages, Buffer.concat(encodedFilters(workload, filters)))
    return () => samplesOf(program, [messages, String(perSample), ...(byThread ? ['thread'] : [])])
  },
})

export const singleFloor = floor('one by one', 1)
export const batchedFloor = floor('batched', FILTERS_PER_TABLE)
/** What the asynchronous forms cannot be below: two threads that wake each other, beside the same system calls. */
export const singleByThread = floor('one by one', 1, true)
export const batchedByThread = floor('batched', FILTERS_PER_TABLE, true)
