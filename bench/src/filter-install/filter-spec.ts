import { mirred, u32, type FilterSpec } from '../../../lib/index.js'
import { ADDRESS, type Filter, type Workload } from './workload.js'

const toAddress = u32.destinationAddress(ADDRESS)

/** One filter of the workload as a user of rtnetlink writes it; what all have in common is made once. */
export const filterSpec = (
  { ifindex, targetIndex }: Workload,
  { priority, node, port }: Filter,
): FilterSpec => ({
  dev: ifindex,
  parent: 'ingress',
  priority,
  protocol: 'ip',
  kind: 'u32',
  handle: node,
  keys: [toAddress, u32.destinationPort(port)],
  actions: [mirred.redirect(targetIndex)],
})
