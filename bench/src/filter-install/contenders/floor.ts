import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from '../../compile.js'
import type { Contender, Form } from '../../contender.js'
import { BUILD } from '../../folders.js'
import { samplesOf } from '../../output.js'
import { encodedFilters } from '../encoded-filters.js'
import { filters, FILTERS_PER_TABLE, type Workload } from '../workload.js'

/** A C program that sends, `perSample` in a sendmsg, the very bytes that rtnetlink encodes. */
const floor = (form: Form, perSample: number): Contender<Workload> => ({
  name: 'floor: C, pre-encoded',
  form,
  floor: true,
  perSample,
  async prepare(workload) {
    const program = await compile('floor')
    const messages = join(BUILD, 'filters.netlink')
    await writeFile(messages, Buffer.concat(encodedFilters(workload, filters)))
    return () => samplesOf(program, [messages, String(perSample)])
  },
})

export const singleFloor = floor('one by one', 1)
export const batchedFloor = floor('batched', FILTERS_PER_TABLE)
