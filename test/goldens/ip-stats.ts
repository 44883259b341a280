/**
 * What ip sends for link statistics, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v669. Device d0 has
 * index 7, d1 has 8.
 */
import type { Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'counters of one device',
    command: 'ip stats show dev d0 group link',
    bytes: `1c0000005e0001000000000000000000000000000700000001000000`,
    value: { family: 0, ifindex: 7, filterMask: 1, attributes: {} },
  },
  {
    about: 'counters of all devices',
    command: 'ip stats show group link',
    bytes: `1c0000005e0001030000000000000000000000000000000001000000`,
    value: { family: 0, ifindex: 0, filterMask: 1, attributes: {} },
  },
]
