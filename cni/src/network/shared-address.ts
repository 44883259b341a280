import { isIP, SocketAddress } from 'node:net'
import { CniError, CODE } from '../spec/cni-error.js'
import type { RuntimeConfig } from './runtime-config.js'

/** What runtimes write for "each address of the host". */
const ANY = ['', '0.0.0.0', '::']

/**
 * Containers have the host's addresses, and no others. To ask for one of these is to ask for nothing.
 *
 * @param args of CNI_ARGS, where IP is a static address
 * @param addresses the shared ones
 * @throws CniError 7 for another address, as the container's or as the one that a port is reached by
 */
export function refuseOtherAddresses(
  { ips = [], portMappings = [] }: RuntimeConfig,
  args: ReadonlyMap<string, string>,
  addresses: readonly string[],
): void {
  const shared = new Set(addresses.map(canonical))
  const isShared = (address: string): boolean => shared.has(canonical(address))
  const asked = args.get('IP')?.split(',') ?? []
  for (const ip of [...ips, ...asked])
    if (!isShared(ip.replace(/\/\d+$/, ''))) throw other(`the static address ${ip}`, addresses)
  for (const { hostIP = '', containerPort } of portMappings)
    if (!ANY.includes(canonical(hostIP)) && !isShared(hostIP))
      throw other(`port ${containerPort} at ${hostIP} alone`, addresses)
}

/** An address as the kernel writes it: IPv6 has many spellings. One with a zone stays as it is, and is none of the shared ones. */
const canonical = (address: string): string =>
  isIP(address) === 6 && !address.includes('%')
    ? new SocketAddress({ family: 'ipv6', address }).address
    : address

const other = (what: string, addresses: readonly string[]): CniError =>
  new CniError(
    CODE.invalidConfiguration,
    `${what} cannot be had: containers of this network have ${
      addresses.length === 1 ? "the host's address" : "the host's addresses"
    }, ${addresses.join(', ')}, and their ports are reached by ${addresses.length === 1 ? 'it' : 'all of them'}`,
  )
