import type { TrafficClass } from '../../index.js'
import type { Column } from '../table.js'
import { listing } from './listing.js'
import { trafficColumns } from './traffic-columns.js'
import { withSocket } from './with-socket.js'
import { optionWordsOf } from './words.js'

export const classes = listing({
  name: 'classes',
  about: 'list traffic classes, as `tc -s class` does',
  examples: [{ line: 'classes --dev eth0', about: 'the classes of eth0' }],
  notes: 'Without --dev: the classes of all interfaces.',
  columns: ({ trafficClass }): Column<TrafficClass>[] => [
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'CLASS', of: ({ classid }) => classid },
    { title: 'PARENT', of: ({ parent }) => parent },
    { title: 'LEAF', of: ({ leaf }) => leaf },
    ...trafficColumns,
    { title: 'OPTIONS', of: object => optionWordsOf(trafficClass, object) },
  ],
  list: (place, { dev }) =>
    withSocket(place, async rt =>
      dev === undefined ? (await rt.snapshot(['classes'])).classes : rt.classes.list({ dev }),
    ),
})
