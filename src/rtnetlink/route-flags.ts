/** RTNH_F_* and, from 0x100, RTM_F_*: linux/rtnetlink.h, in the words of `ip route`. */
const flags = {
  dead: 0x1,
  pervasive: 0x2,
  onlink: 0x4,
  offload: 0x8,
  linkdown: 0x10,
  unresolved: 0x20,
  trap: 0x40,
  notify: 0x100,
  cloned: 0x200,
  rt_offload: 0x4000,
  rt_trap: 0x8000,
  rt_offload_failed: 0x2000_0000,
} as const

export const RTNH_F_ONLINK = flags.onlink

/** A flag of a route or of one of its nexthops. */
export type RouteFlag = keyof typeof flags

export const routeFlagNames = (bits: number): RouteFlag[] =>
  (Object.keys(flags) as RouteFlag[]).filter(name => (bits & flags[name]) !== 0)
