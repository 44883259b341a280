/** What of IPv6 containers share with their host, as far as programs look at it. */
export interface SharedInet6 {
  /** The shared addresses. */
  readonly addresses: readonly string[]
  /** The host's link-local address, which containers have too; undefined: it has none. */
  readonly linkLocal: string | undefined
  /** Other addresses of the host, on whatever interface, which containers neither have nor reach. */
  readonly notShared: readonly string[]
  /** The neighbours that containers may look for; undefined: any but the host. */
  readonly solicited: readonly string[] | undefined
}

/** All addresses of the host. */
export const allOf = ({
  addresses,
  linkLocal,
  notShared,
}: Pick<SharedInet6, 'addresses' | 'linkLocal' | 'notShared'>): string[] => [
  ...addresses,
  ...(linkLocal === undefined ? [] : [linkLocal]),
  ...notShared,
]
