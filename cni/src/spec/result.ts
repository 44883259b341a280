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
    readonly version?: '4'
    readonly address: string
    readonly gateway?: string
    readonly interface: number
  }[]
  readonly routes: readonly { readonly dst: string; readonly gw?: string }[]
  readonly dns: Dns
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
  /** With the length of its prefix. */
  readonly address: string
  readonly gateway: string | undefined
  readonly dns: Dns
}

/**
 * The result as a version has it. The host's own interface is not in it: go-cni, containerd's, knows interfaces by their names,
 * and would take that for the container's.
 */
export function resultOf(version: Version, { link, inside, address, gateway, dns }: Made): Result {
  const { name, mac, mtu, sandbox } = inside
  return {
    cniVersion: version,
    interfaces: [link, { name, mac, ...(isAtLeast(version, '1.1.0') && { mtu }), sandbox }],
    ips: [
      {
        ...(!isAtLeast(version, '1.0.0') && { version: '4' as const }),
        address,
        ...(gateway !== undefined && { gateway }),
        interface: 1,
      },
    ],
    routes: gateway === undefined ? [] : [{ dst: '0.0.0.0/0', gw: gateway }],
    dns,
  }
}
