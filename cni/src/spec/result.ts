import { isIPv6 } from 'node:net'
import { isAtLeast, type Version } from './versions.js'

/** Of the configuration: what a runtime writes into the container's resolv.conf. */
export interface Dns {
  readonly nameservers?: readonly string[] | undefined
  readonly domain?: string | undefined
  readonly search?: readonly string[] | undefined
  readonly options?: readonly string[] | undefined
}

/** An interface that an ADD has made. */
export interface ResultInterface {
  readonly name: string
  readonly mac: string
  /** Bytes; from 1.1.0 on. */
  readonly mtu?: number
  /** The path of the namespace that it is in. Absent: the host's. */
  readonly sandbox?: string
}

/** What an ADD answers, by the specification's "Success". */
export interface Result {
  readonly cniVersion: Version
  readonly interfaces: readonly ResultInterface[]
  readonly ips: readonly {
    readonly version?: '4' | '6'
    readonly address: string
    readonly gateway?: string
    readonly interface: number
  }[]
  readonly routes: readonly { readonly dst: string; readonly gw?: string }[]
  readonly dns: Dns
}

/** An address that a container has. */
export interface MadeAddress {
  readonly address: string
  readonly prefixLength: number
  /** The next router of the way out in its family. */
  readonly gateway: string | undefined
}

/** What an ADD has made, whatever the version. */
export interface Made {
  readonly link: { readonly name: string; readonly mac: string }
  readonly inside: {
    readonly name: string
    readonly mac: string
    readonly mtu: number
    readonly sandbox: string
  }
  /** The one of IPv4 first. */
  readonly addresses: readonly MadeAddress[]
  readonly dns: Dns
}

/**
 * The result as a version has it. The host's own interface is not in it: go-cni, containerd's, knows interfaces by their names,
 * and would take that for the container's.
 */
export function resultOf(version: Version, { link, inside, addresses, dns }: Made): Result {
  const { name, mac, mtu, sandbox } = inside
  return {
    cniVersion: version,
    interfaces: [link, { name, mac, ...(isAtLeast(version, '1.1.0') && { mtu }), sandbox }],
    ips: addresses.map(({ address, prefixLength, gateway }) => ({
      ...(!isAtLeast(version, '1.0.0') && { version: isIPv6(address) ? ('6' as const) : ('4' as const) }),
      address: `${address}/${prefixLength}`,
      ...(gateway !== undefined && { gateway }),
      interface: 1,
    })),
    routes: [...new Set(addresses.flatMap(({ gateway }) => gateway ?? []))].map(gw => ({
      dst: isIPv6(gw) ? '::/0' : '0.0.0.0/0',
      gw,
    })),
    dns,
  }
}
