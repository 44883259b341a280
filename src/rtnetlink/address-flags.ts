/** IFA_F_*, linux/if_addr.h, in the words of `ip address`; 0x01 is `temporary` for IPv6. */
const IFA_F = {
  secondary: 0x01,
  nodad: 0x02,
  optimistic: 0x04,
  dadfailed: 0x08,
  home: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
  stableprivacy: 0x800,
} as const

export type AddressFlag = keyof typeof IFA_F

/** The flags that can be set, in the words of `ip address`. */
export const settableAddressFlags = [
  'nodad',
  'optimistic',
  'home',
  'mngtmpaddr',
  'noprefixroute',
  'autojoin',
] as const

/** Flags of an address that can be set; each is false unless given. */
export type AddressFlags = Partial<Record<(typeof settableAddressFlags)[number], boolean | undefined>>

/** The bits of the flags that are given as true. */
export const addressFlagBits = (flags: AddressFlags): number =>
  settableAddressFlags.reduce((bits, name) => (flags[name] ? bits | IFA_F[name] : bits), 0)

/** The names of the flags in IFA_FLAGS. */
export const addressFlagNames = (bits: number): AddressFlag[] =>
  (Object.keys(IFA_F) as AddressFlag[]).filter(name => (bits & IFA_F[name]) !== 0)

/** The settable flags in IFA_FLAGS that are set. */
export const settableFlagsSet = (bits: number): AddressFlags =>
  Object.fromEntries(
    settableAddressFlags.filter(name => (bits & IFA_F[name]) !== 0).map(name => [name, true]),
  )
