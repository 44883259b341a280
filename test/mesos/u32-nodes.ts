import type { Filter, Parent } from '../../src/tc/index.js'
import type { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'

export type U32Node = Filter & { kind: 'u32' }

/** The u32 filters of a device, in the order in which packets meet them. Hash tables, the root one too, are left out. */
export const u32Nodes = (rt: RtnetlinkSocketSync, dev: string, parent: Parent): U32Node[] =>
  rt.filters
    .list({ dev, parent })
    .filter((filter): filter is U32Node => filter.kind === 'u32' && filter.divisor === undefined)
