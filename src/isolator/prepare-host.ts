import { linkSpeed } from '../ethtool/link-speed.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { SockDiagSocket } from '../sock-diag/index.js'
import { readBacklog, warnOfBacklog } from './host/backlog.js'
import { ContainerLimits } from './container/limits.js'
import { ephemeralPlaces } from './ports/ephemeral-places.js'
import type { HostSettings } from './explain.js'
import { ContainerLinks } from './host/container-links.js'
import type { HostContext } from './host/context.js'
import { readHostFacts } from './host/facts.js'
import { aloneOnHost, excludeOthers } from './host/lock.js'
import type { HostRecord } from './layout/host-record.js'
import { portsReservedByOthers, setUpHost, type HostWishes } from './host/setup.js'
import { openHost } from './kernel/open-netns.js'
import { refuseUnfitKernel } from './kernel/kernel-requirements.js'
import { notPermitted, refusalsOn } from './kernel/rights.js'
import type { IsolatorOptions } from './options/options.js'
import { checkPortPlan, managedPorts } from './ports/port-policy.js'
import { PortRanges } from './ports/port-ranges.js'
import { readReservedPorts } from './host/reserved-ports.js'

/** A host that containers can be made on. */
export interface PreparedHost {
  readonly host: HostContext
  /** What has to be restored in the end. */
  readonly record: HostRecord
  readonly settings: HostSettings
  readonly limits: ContainerLimits
}

/** Opens the host's namespace, checks the options against it and the kernel, and puts the static filters there. */
export async function prepareHost(options: IsolatorOptions): Promise<PreparedHost> {
  const netns = openHost(options.netns)
  let rt: RtnetlinkSocket | undefined
  let sockets: SockDiagSocket | undefined
  try {
    const refusals = await refusalsOn(netns)
    if (refusals.length > 0) throw notPermitted(refusals)
    rt = await RtnetlinkSocket.open({ netns })
    sockets = await SockDiagSocket.open({ netns })
    const opened = { netns, rt, sockets }
    return await aloneOnHost(netns, async () => {
      const exclusive = options.exclusive ? excludeOthers(netns) : undefined
      try {
        return await prepare(
          {
            ...opened,
            exclusive,
            hostSockets: options.hostSockets,
            hostSocketsInterval: options.hostSocketsInterval,
            flowParent: options.flowParent,
          },
          options,
        )
      } catch (error) {
        // Before the next who waits for the host gets it, and looks whether it is kept out.
        exclusive?.close()
        throw error
      }
    })
  } catch (error) {
    await rt?.[Symbol.asyncDispose]()
    await sockets?.[Symbol.asyncDispose]()
    netns.close()
    throw error
  }
}

/** What is read of the host holds until it is set up, since nobody else sets it up meanwhile. */
async function prepare(
  opened: Pick<
    HostContext,
    'netns' | 'rt' | 'sockets' | 'exclusive' | 'hostSockets' | 'hostSocketsInterval' | 'flowParent'
  >,
  options: IsolatorOptions,
): Promise<PreparedHost> {
  const { netns, rt } = opened
  const facts = await readHostFacts(rt, netns, options)
  const publicIndex = rt.devices.interfaceIndex(facts.publicInterface)
  const speed = await linkSpeed(netns, publicIndex)
  const limits = new ContainerLimits(options, speed)
  checkPortPlan({
    ...options,
    hostEphemeralPorts: facts.ephemeralPorts,
    hostReservedPorts: await portsReservedByOthers(rt, netns, options.loopbackInterface),
  })
  const { bridged } = await refuseUnfitKernel(options)
  const { routing, inet6 } = options
  const { routes: settledRoutes, inet6: settledInet6 } = facts
  const host = {
    ...opened,
    ...{ routing, inet6, facts: { ...facts, bridged }, publicIndex, settledRoutes, settledInet6 },
    bridges: new Map<string, number>(),
    links: new ContainerLinks(netns, rt),
  }
  const record = await setUpHost(host, await wishesOf(options))
  return { host, limits, record, settings: await settingsOf(netns, record) }
}

/** What this run, or an earlier one, has set beside the layout: as it is, with what others have put there. */
const settingsOf = async (
  netns: NetworkNamespace,
  { reserved, backlog }: HostRecord,
): Promise<HostSettings> => ({
  reserved: reserved.size > 0 ? await readReservedPorts(netns) : undefined,
  backlog: backlog !== undefined ? await readBacklog() : undefined,
})

/** What of the host is to be changed beside the layout; what is not to be is warned of. */
async function wishesOf(options: IsolatorOptions): Promise<HostWishes> {
  const { ephemeralPorts, ephemeralPortsPerContainer, raiseNetdevMaxBacklog, reserveHostPorts } = options
  const containers = ephemeralPlaces(ephemeralPorts, ephemeralPortsPerContainer).length
  const backlog = await readBacklog()
  if (!raiseNetdevMaxBacklog && backlog !== undefined && backlog < containers)
    warnOfBacklog(containers, backlog)
  return {
    reserve: reserveHostPorts ? managedPorts(options) : PortRanges.empty,
    backlog: raiseNetdevMaxBacklog ? 2 * containers : 0,
  }
}
