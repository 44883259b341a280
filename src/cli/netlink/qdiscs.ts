import type { Qdisc } from '../../index.js'
import type { Column } from '../table.js'
import { listing } from './listing.js'
import { trafficColumns } from './traffic-columns.js'
import { withSocket } from './with-socket.js'
import { optionWordsOf } from './words.js'

export const qdiscs = listing({
  name: 'qdiscs',
  about: 'list queueing disciplines, as `tc -s qdisc` does',
  examples: [{ line: 'qdiscs --dev eth0', about: 'the queues of eth0' }],
  columns: ({ qdisc }): Column<Qdisc>[] => [
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'HANDLE', of: ({ handle }) => handle },
    { title: 'PARENT', of: ({ parent }) => parent },
    ...trafficColumns,
    { title: 'OPTIONS', of: object => optionWordsOf(qdisc, object) },
  ],
  list: (place, { dev }) => withSocket(place, rt => rt.qdiscs.list(dev === undefined ? {} : { dev })),
})
