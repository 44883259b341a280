import type { Statistics } from '../../index.js'
import { shortNumber } from '../short-number.js'
import type { Cell, Column } from '../table.js'

/** What a qdisc or class has counted. */
export const trafficColumns: readonly Column<{ statistics: Statistics }>[] = [
  { title: 'BYTES', align: 'right', of: ({ statistics }) => shortNumber(statistics.bytes) },
  { title: 'PACKETS', align: 'right', of: ({ statistics }) => shortNumber(statistics.packets) },
  { title: 'DROPPED', align: 'right', of: ({ statistics }) => dropped(statistics.drops) },
  { title: 'BACKLOG', align: 'right', of: ({ statistics }) => shortNumber(statistics.backlog) },
]

const dropped = (drops: number): Cell => (drops === 0 ? 0 : { text: shortNumber(drops), colour: 'red' })
