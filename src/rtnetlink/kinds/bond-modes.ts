// IFLA_BOND_*, linux/if_link.h
const MODE = 1
const MIIMON = 3
const UPDELAY = 4
const DOWNDELAY = 5
const ARP_INTERVAL = 7
const ARP_VALIDATE = 9
const PRIMARY = 11
const PACKETS_PER_SLAVE = 20
const AD_LACP_RATE = 21
const AD_ACTOR_SYS_PRIO = 24
const AD_USER_PORT_KEY = 25
const AD_ACTOR_SYSTEM = 26
const TLB_DYNAMIC_LB = 27
const PEER_NOTIF_DELAY = 28
const AD_LACP_ACTIVE = 29
const MISSED_MAX = 30
const COUPLED_CONTROL = 32

// BOND_MODE_*, linux/if_bonding.h
const ROUND_ROBIN = 0
const ACTIVE_BACKUP = 1
const XOR = 2
const BROADCAST = 3
const LACP = 4
const TLB = 5
const ALB = 6

const WITH_ARP = [ROUND_ROBIN, ACTIVE_BACKUP, XOR, BROADCAST]

/**
 * The modes that take an option; absent: all. The kernel lists most options whatever the mode is (bond_opts in
 * drivers/net/bonding/bond_options.c).
 */
const modes: Readonly<Record<number, readonly number[]>> = {
  [ARP_INTERVAL]: WITH_ARP,
  [ARP_VALIDATE]: WITH_ARP,
  [MISSED_MAX]: WITH_ARP,
  [PRIMARY]: [ACTIVE_BACKUP, TLB, ALB],
  [PACKETS_PER_SLAVE]: [ROUND_ROBIN],
  [AD_LACP_RATE]: [LACP],
  [AD_LACP_ACTIVE]: [LACP],
  [AD_ACTOR_SYS_PRIO]: [LACP],
  [AD_USER_PORT_KEY]: [LACP],
  [AD_ACTOR_SYSTEM]: [LACP],
  [COUPLED_CONTROL]: [LACP],
  [TLB_DYNAMIC_LB]: [TLB],
}

/** Refused without MII monitoring, even as 0 (bond_option_updelay_set and its like). */
const OF_MII = [UPDELAY, DOWNDELAY, PEER_NOTIF_DELAY]

/**
 * Whether a bond takes an option of a listed one.
 *
 * @param listed all of its options, by type
 */
export function bondTakes(
  { type, content }: { readonly type: number; readonly content: Uint8Array },
  listed: ReadonlyMap<number, Uint8Array>,
): boolean {
  if (OF_MII.includes(type) && isZero(listed.get(MIIMON))) return false
  // A bond without an address for LACP lists zeros, which are refused as one.
  if (type === AD_ACTOR_SYSTEM && isZero(content)) return false
  const [mode = ROUND_ROBIN] = listed.get(MODE) ?? []
  return modes[type]?.includes(mode) ?? true
}

const isZero = (bytes: Uint8Array = new Uint8Array()): boolean => bytes.every(byte => byte === 0)
