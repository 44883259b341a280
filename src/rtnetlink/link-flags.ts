import { boolean, object, optional, type Declaration, type InputOf } from '../input/index.js'

/** IFF_*, linux/if.h */
const IFF = {
  UP: 1 << 0,
  BROADCAST: 1 << 1,
  DEBUG: 1 << 2,
  LOOPBACK: 1 << 3,
  POINTOPOINT: 1 << 4,
  NOTRAILERS: 1 << 5,
  RUNNING: 1 << 6,
  NOARP: 1 << 7,
  PROMISC: 1 << 8,
  ALLMULTI: 1 << 9,
  MASTER: 1 << 10,
  SLAVE: 1 << 11,
  MULTICAST: 1 << 12,
  PORTSEL: 1 << 13,
  AUTOMEDIA: 1 << 14,
  DYNAMIC: 1 << 15,
  LOWER_UP: 1 << 16,
  DORMANT: 1 << 17,
  ECHO: 1 << 18,
} as const

/** The kernel's flags of a link, as `ip link` names them. */
export type LinkFlag = keyof typeof IFF

export const linkFlagNumbers: Readonly<Record<LinkFlag, number>> = IFF

const members = object({
  /** Administratively up. */
  up: optional(boolean),
  /** Resolves neighbours by ARP and neighbour discovery; false is IFF_NOARP. */
  arp: optional(boolean),
  multicast: optional(boolean),
  allmulticast: optional(boolean),
  promisc: optional(boolean),
})

/** The flags of a link that can be set. */
export interface SettableFlags extends InputOf<typeof members> {}
export const settableFlagsInput: Declaration<SettableFlags> = members

type SettableFlag = keyof SettableFlags

/** The bit of each settable flag, whether it is set for `false`, and the words of `ip link`. */
const settable: Readonly<
  Record<SettableFlag, { bit: number; inverted?: true; words: readonly [on: string, off: string] }>
> = {
  up: { bit: IFF.UP, words: ['up', 'down'] },
  arp: { bit: IFF.NOARP, inverted: true, words: ['arp on', 'arp off'] },
  multicast: { bit: IFF.MULTICAST, words: ['multicast on', 'multicast off'] },
  allmulticast: { bit: IFF.ALLMULTI, words: ['allmulticast on', 'allmulticast off'] },
  promisc: { bit: IFF.PROMISC, words: ['promisc on', 'promisc off'] },
}

const settableFlags = Object.entries(settable) as [SettableFlag, (typeof settable)[SettableFlag]][]

/** `ifi_flags` and `ifi_change` that set the given flags and leave the others. */
export function flagsAndChange(flags: SettableFlags): { flags: number; change: number } {
  const result = { flags: 0, change: 0 }
  for (const [name, { bit, inverted = false }] of settableFlags) {
    const value = flags[name]
    if (value === undefined) continue
    result.change |= bit
    if (value !== inverted) result.flags |= bit
  }
  return result
}

/** The settable flags in `ifi_flags`, of those in `mask`. */
export function settableFlagsIn(flags: number, mask: number): SettableFlags {
  const result: SettableFlags = {}
  for (const [name, { bit, inverted = false }] of settableFlags) {
    if (mask & bit) result[name] = ((flags & bit) !== 0) !== inverted
  }
  return result
}

/** The names of the flags in `ifi_flags`. */
export const flagNames = (flags: number): LinkFlag[] =>
  (Object.keys(IFF) as LinkFlag[]).filter(name => (flags & IFF[name]) !== 0)

/** The words of `ip link` that set the given flags. */
export const flagWords = (flags: SettableFlags): string[] =>
  settableFlags.flatMap(([name, { words }]) => {
    const value = flags[name]
    return value === undefined ? [] : [words[value ? 0 : 1]]
  })
