import { referencePath, type NetworkNamespace } from '../../netns/network-namespace.js'
import type { Address, Link, Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { readCopiedSysctls } from './copied-sysctls.js'
import { findFlowQdisc } from './flows.js'
import { IsolatorError } from '../isolator-error.js'
import { sysctlWords } from '../../netns/sysctl-words.js'
import { refuse } from '../options/option-checks.js'
import type { IsolatorOptions } from '../options/options.js'
import type { HostFacts } from '../plan/facts.js'
import { ephemeralPlaces } from '../ports/ephemeral-places.js'
import { PortRanges } from '../ports/port-ranges.js'
import type { HostAccess } from '../programs/local.js'

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
  const defaultRoute = await findDefaultRoute(rt, options.publicInterface)
  const publicInterface = options.publicInterface ?? defaultRoute?.dev
  if (publicInterface === undefined) {
    throw refuse(
      'publicInterface',
      undefined,
      'the name of an interface, since this host has no default route to take it from',
    )
  }
  const link = await publicLink(rt, publicInterface)
  await checkLoopback(rt, options.loopbackInterface)
  const [address, sysctls, ephemeralPorts, flows] = await Promise.all([
    sharedAddress(rt, publicInterface, options.address),
    readCopiedSysctls(netns),
    readEphemeralRange(netns),
    findFlowQdisc(rt, publicInterface),
  ])
  return {
    netnsPath: options.netns === undefined ? undefined : referencePath(options.netns),
    publicInterface,
    loopbackInterface: options.loopbackInterface,
    address: address.address,
    prefixLength: address.prefixLength,
    mac: link.address ?? '',
    mtu: link.mtu,
    gateway: defaultRoute?.gateway,
    neighbours: options.neighbours,
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

/** The IPv4 default route of the lowest metric, through `dev` where that is given. */
async function findDefaultRoute(rt: RtnetlinkSocket, dev: string | undefined): Promise<Route | undefined> {
  const routes = await rt.routes.list({ family: 'inet', table: 'main' })
  const defaults = routes.filter(
    route => route.destination === 'default' && (dev === undefined || route.dev === dev),
  )
  return defaults.sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))[0]
}

async function publicLink(rt: RtnetlinkSocket, name: string): Promise<Link> {
  const link = await namedLink(rt, 'publicInterface', name)
  if (link.hardwareType === 'ether' && link.address !== undefined) return link
  const expected = `an Ethernet device, whose MAC address containers take, not one of type ${link.hardwareType}`
  throw refuse('publicInterface', name, expected)
}

async function checkLoopback(rt: RtnetlinkSocket, name: string): Promise<void> {
  const { hardwareType } = await namedLink(rt, 'loopbackInterface', name)
  if (hardwareType === 'loopback') return
  throw refuse('loopbackInterface', name, `a loopback device, not one of type ${hardwareType}`)
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
