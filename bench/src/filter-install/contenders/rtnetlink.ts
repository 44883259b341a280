import { RtnetlinkSocket, RtnetlinkSocketSync } from '../../../../lib/index.js'
import type { Contender } from '../../contender.js'
import { timed, timedSync } from '../../timed.js'
import { filterSpec } from '../filter-spec.js'
import { filters, FILTERS_PER_TABLE, TABLES, type Workload } from '../workload.js'

/*
 * Samples begin before the spec is written down and end when its result is at hand: what is measured is all that a
 * user's program does.
 */

const tables = Array.from({ length: TABLES }, (_, table) =>
  filters.slice(table * FILTERS_PER_TABLE, (table + 1) * FILTERS_PER_TABLE),
)

export const rtnetlinkBatch: Contender<Workload> = {
  name: 'rtnetlink, batch of 128',
  form: 'batched',
  inProcess: true,
  perSample: FILTERS_PER_TABLE,
  prepare: async workload => async () => {
    await using rt = await RtnetlinkSocket.open()
    return await timed(tables, async table => {
      const results = await rt.batch(batch => {
        for (const filter of table) batch.filters.add(filterSpec(workload, filter))
      })
      for (const { error } of results) if (error) throw error
    })
  },
}

export const rtnetlinkBatchSync: Contender<Workload> = {
  name: 'rtnetlink, batch of 128, Sync',
  form: 'batched',
  inProcess: true,
  perSample: FILTERS_PER_TABLE,
  prepare: async workload => async () => {
    using rt = RtnetlinkSocketSync.open()
    return timedSync(tables, table => {
      const results = rt.batch(batch => {
        for (const filter of table) batch.filters.add(filterSpec(workload, filter))
      })
      for (const { error } of results) if (error) throw error
    })
  },
}

export const rtnetlinkSync: Contender<Workload> = {
  name: 'rtnetlink, Sync',
  form: 'one by one',
  inProcess: true,
  perSample: 1,
  prepare: async workload => async () => {
    using rt = RtnetlinkSocketSync.open()
    return timedSync(filters, filter => {
      rt.filters.add(filterSpec(workload, filter))
    })
  },
}

export const rtnetlinkAsync: Contender<Workload> = {
  name: 'rtnetlink',
  form: 'one by one',
  inProcess: true,
  perSample: 1,
  prepare: async workload => async () => {
    await using rt = await RtnetlinkSocket.open()
    return await timed(filters, filter => rt.filters.add(filterSpec(workload, filter)))
  },
}
