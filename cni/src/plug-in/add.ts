import { NetworkNamespace, RtnetlinkSocket, type ContainerInfo, type HostInfo } from 'rtnetlink'
import type { NetworkConfig } from '../network/network-config.js'
import { rateLimits } from '../network/rate-limits.js'
import { refuseOtherAddresses } from '../network/shared-address.js'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Attachment, Sandbox } from '../spec/request.js'
import { resultOf, type MadeAddress, type Result } from '../spec/result.js'
import { askedContainer } from './asked-container.js'
import type { Isolators } from './isolators.js'
import { isolateAnew } from './replacement.js'

/** Makes a container of a namespace. One of the same id that has another namespace is what a crash has left: it is replaced. */
export async function add(
  attachment: Attachment & Sandbox,
  config: NetworkConfig,
  isolators: Isolators,
): Promise<Result> {
  const { id, ports, netns: opened } = askedContainer(attachment, config)
  await using netns = opened
  refuseOwn(netns, attachment.netns)
  const options = {
    netns,
    ports,
    // The runtime keeps the namespace: of one that it has forgotten, nothing is to stay.
    hold: false,
    interfaceName: attachment.ifname,
    ...rateLimits(config.runtime.bandwidth),
  }
  return await isolators.use(config.options, 'none', async isolator => {
    refuseOtherAddresses(
      config.runtime,
      attachment.args,
      addressesOf(isolator.host).map(({ address }) => address),
    )
    await using rt = await RtnetlinkSocket.open()
    const info = await isolateAnew(isolator, isolators, id, {
      ...options,
      managed: config.options.ports ?? [],
    })
    try {
      // As the host is now: isolate() follows it.
      return await madeOf(config, attachment, isolator.host, info, rt)
    } catch (error) {
      // The container has ended already: a failed ADD leaves nothing.
      await isolators.remove([id])
      throw error
    }
  })
}

/** Before the container of that id goes, whose place it would take. @throws CniError 7 */
function refuseOwn(netns: NetworkNamespace, path: string): void {
  const own = NetworkNamespace.current()
  try {
    if (netns.equals(own))
      throw new CniError(
        CODE.invalidConfiguration,
        `CNI_NETNS is '${path}', the host's own namespace: a container needs one of its own`,
      )
  } finally {
    own.close()
  }
}

async function madeOf(
  { version, dns }: NetworkConfig,
  { ifname, netns }: Attachment & Sandbox,
  host: HostInfo,
  { link }: ContainerInfo,
  rt: RtnetlinkSocket,
): Promise<Result> {
  const { mac, mtu } = host
  const { address: linkMac = '' } = await rt.links.get(link)
  return resultOf(version, {
    link: { name: link, mac: linkMac },
    inside: { name: ifname, mac, mtu, sandbox: netns },
    addresses: addressesOf(host),
    dns,
  })
}

/** The addresses that every container of a host has, but for the link-local one. */
const addressesOf = ({ address, prefixLength, gateway, ipv6 }: HostInfo): MadeAddress[] => [
  { address, prefixLength, gateway },
  ...(ipv6?.addresses ?? []).map(shared => ({ ...shared, gateway: ipv6?.gateways[0] })),
]
