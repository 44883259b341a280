import { referencePath, type NetworkNamespace } from '../../netns/network-namespace.js'
import type { Address, Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { readCopiedSysctls } from './copied-sysctls.js'
import { defaultInterfaces } from './default-route.js'
import { findFlowQdisc } from './flows.js'
import { readInet6 } from './inet6.js'
import { readRoutes, settleProblems } from './routes.js'
import { IsolatorError } from '../isolator-error.js'
import { sysctlWords } from '../../netns/sysctl-words.js'
import { refuse } from '../options/option-checks.js'
import type { IsolatorOptions } from '../options/options.js'
import type { HostFacts } from '../plan/facts.js'
import { ephemeralPlaces } from '../ports/ephemeral-places.js'
import { PortRanges } from '../ports/port-ranges.js'
import type { HostAccess } from '../programs/host-access.js'

/**
 * Reads what the layout depends on from the host's namespace, changing nothing.
 *
 * @throws IsolatorError ERR_INVALID_OPTION where an interface or address that was named, or is needed, is not there
 */
export async function readHostFacts(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  options: IsolatorOptions,
): Promise<Omit<HostFacts, 'bridged'>> {
  const link = await publicLink(rt, options.publicInterface ?? (await interfaceOfDefaultRoute(rt)))
  const publicInterface = link.name
  const loopbackInterface = await loopbackName(rt, options.loopbackInterface)
  const [address, inet6, sysctls, ephemeralPorts, flows] = await Promise.all([
    sharedAddress(rt, publicInterface, options.address),
    readInet6(rt, netns, link, options.inet6),
    readCopiedSysctls(netns),
    readEphemeralRange(netns),
    findFlowQdisc(rt, publicInterface),
  ])
  const { neighbours, routing } = options
  if (routing.gateway === address.address)
    throw refuse('gateway', routing.gateway, 'the address of another machine than this host')
  const { prefixLength } = address
  const place = { publicInterface, address: address.address, prefixLength, neighbours }
  const found = await readRoutes(rt, place, routing)
  settleProblems(found)
  return {
    netnsPath: options.netns === undefined ? undefined : referencePath(options.netns),
    ...place,
    loopbackInterface,
    mac: link.address ?? '',
    mtu: link.mtu,
    ipv6: link.inet6 !== undefined,
    inet6,
    routes: found.routes,
    bloatReduction: options.bloatReduction,
    // Containers of an earlier run have nodes there, which have to go with them: it is used as long as it is there.
    flowParent: options.flowParent ?? flows?.parent,
    fragments: options.fragments,
    multicast: options.multicast,
    capacity: ephemeralPlaces(options.ephemeralPorts, options.ephemeralPortsPerContainer).length,
    hostAccess: hostAccess(options, ephemeralPorts),
    ephemeralPorts,
    sysctls,
  }
}

/** A container may always answer the host's own clients and talk to other containers. */
function hostAccess(
  { hostServices: services, ports, ephemeralPorts }: IsolatorOptions,
  hostEphemeral: PortRanges,
): HostAccess | undefined {
  return services && { services, managed: ports.union(ephemeralPorts), hostEphemeral }
}

async function interfaceOfDefaultRoute(rt: RtnetlinkSocket): Promise<string> {
  const [dev, ...others] = await defaultInterfaces(rt)
  if (dev !== undefined && others.length === 0) return dev
  const problem =
    dev === undefined
      ? 'this host has no default route to take it from'
      : `this host's default route leads through ${[dev, ...others].join(' and ')}`
  throw refuse('publicInterface', undefined, `the name of an interface, since ${problem}`)
}

async function publicLink(rt: RtnetlinkSocket, name: string): Promise<Link> {
  const link = await namedLink(rt, 'publicInterface', name)
  if (link.kind === 'vlan' && link.reorderHdr === false) throw refuseTaggedFrames(name)
  if (link.hardwareType === 'ether' && link.address !== undefined) return link
  const expected = `an Ethernet device, whose MAC address containers take, not one of type ${link.hardwareType}`
  throw refuse('publicInterface', name, expected)
}

/** Such a device leaves the tag in the frames that it receives, and a container takes these for those of a VLAN. */
const refuseTaggedFrames = (name: string): IsolatorError =>
  refuse(
    'publicInterface',
    name,
    `a VLAN device with reorder_hdr on (ip link set dev ${name} type vlan reorder_hdr on)`,
  )

/** Its own name, where it was given by another one that it has. */
async function loopbackName(rt: RtnetlinkSocket, given: string): Promise<string> {
  const { hardwareType, name } = await namedLink(rt, 'loopbackInterface', given)
  if (hardwareType === 'loopback') return name
  throw refuse('loopbackInterface', given, `a loopback device, not one of type ${hardwareType}`)
}

async function namedLink(rt: RtnetlinkSocket, option: string, name: string): Promise<Link> {
  if (rt.devices.interfaceIndex(name) === 0)
    throw refuse(option, name, 'the name of an interface of the host namespace')
  return rt.links.get(name)
}

async function sharedAddress(rt: RtnetlinkSocket, dev: string, wanted: string | undefined): Promise<Address> {
  const addresses = await rt.addresses.list({ dev, family: 'inet' })
  const found = addresses.find(({ address, scope }) =>
    wanted === undefined ? scope === 'global' : address === wanted,
  )
  if (found) return found
  const has = addresses.map(({ address }) => address).join(', ') || 'none'
  const problem =
    wanted === undefined ? `${dev} has no global IPv4 address that containers could share` : undefined
  throw refuse('address', wanted, `an IPv4 address of ${dev}, which has ${has}`, problem)
}

async function readEphemeralRange(netns: NetworkNamespace): Promise<PortRanges> {
  const name = 'net.ipv4.ip_local_port_range'
  const text = await netns.readSysctl(name)
  const [first, last] = sysctlWords(text).split(' ')
  if (last === undefined)
    throw new IsolatorError('ERR_KERNEL_UNSUPPORTED', `${name} is '${text}', where two numbers were expected`)
  return PortRanges.from(`${first}-${last}`)
}
