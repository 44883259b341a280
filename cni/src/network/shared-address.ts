import { CniError, CODE } from '../spec/cni-error.js'
import type { RuntimeConfig } from './runtime-config.js'

/** What runtimes write for "each address of the host". */
const ANY = ['', '0.0.0.0', '::']

/**
 * Containers have one address, the host's. To ask for that one is to ask for nothing.
 *
 * @param args of CNI_ARGS, where IP is a static address
 * @param address the shared one
 * @throws CniError 7 for another address, as the container's or as the one that a port is reached by
 */
export function refuseOtherAddresses(
  { ips = [], portMappings = [] }: RuntimeConfig,
  args: ReadonlyMap<string, string>,
  address: string,
): void {
  const asked = args.get('IP')?.split(',') ?? []
  for (const ip of [...ips, ...asked])
    if (ip.replace(/\/\d+$/, '') !== address) throw other(`the static address ${ip}`, address)
  for (const { hostIP = '', containerPort } of portMappings)
    if (hostIP !== address && !ANY.includes(hostIP))
      throw other(`port ${containerPort} at ${hostIP} alone`, address)
}

const other = (what: string, address: string): CniError =>
  new CniError(
    CODE.invalidConfiguration,
    `${what} cannot be had: containers of this network have the host's address, ${address}, and their ports are reached by it`,
  )
