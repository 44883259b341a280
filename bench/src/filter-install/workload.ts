/** A u32 table this long is what one batch fills; in a longer one the kernel's walk along the list would hide the rest. */
export const FILTERS_PER_TABLE = 128
/** The kernel makes a u32 table for each priority. */
export const TABLES = 8
export const FILTERS = TABLES * FILTERS_PER_TABLE

export const ADDRESS = '10.9.0.2'
export const FIRST_PORT = 31000

/** Where the filters go. */
export interface Workload {
  /** The veth that has an ingress qdisc. */
  readonly device: string
  readonly ifindex: number
  /** The veth that matching packets are redirected to. */
  readonly target: string
  readonly targetIndex: number
}

/** What tells one filter of the workload from the next: IP destination ADDRESS and this destination port. */
export interface Filter {
  readonly priority: number
  /** Its number in the root table of its priority. */
  readonly node: number
  readonly port: number
}

/** In the order of installation: table by table, 128 in each. */
export const filters: readonly Filter[] = Array.from({ length: FILTERS }, (_, i) => ({
  priority: Math.floor(i / FILTERS_PER_TABLE) + 1,
  node: (i % FILTERS_PER_TABLE) + 1,
  port: FIRST_PORT + i,
}))

/** The workload in the arguments of native/libnl.c and native/pyroute2_filters.py. */
export const programArguments = ({ ifindex, targetIndex }: Workload): string[] =>
  [ifindex, targetIndex, ADDRESS, FIRST_PORT, TABLES, FILTERS_PER_TABLE].map(String)

/** What follows `tc`. */
export const tcArguments = ({ device, target }: Workload, { priority, node, port }: Filter): string =>
  [
    `filter add dev ${device} parent ffff: protocol ip prio ${priority} handle ::${node.toString(16)}`,
    `u32 match ip dst ${ADDRESS}/32 match ip dport ${port} 0xffff`,
    `action mirred egress redirect dev ${target}`,
  ].join(' ')
