import type { ContainerInfo } from '../container/info.js'
import type { ContainerProcesses } from '../kernel/processes.js'
import type { PortRange } from '../ports/port-ranges.js'

/** What `PortMappingIsolator.inspect` found on a host, as plain values that JSON carries. */
export interface Inspection {
  /** Whether the host has anything of what `create()` puts there. `faults` says what of it is missing. */
  readonly prepared: boolean
  /** The interface that has the layout's filters, by the name that it has now. Absent: none has them. */
  readonly publicInterface?: string
  readonly loopbackInterface?: string
  /** The shared IPv4 address, by the filters. */
  readonly address?: string
  /** MAC and MTU (bytes) of the public interface. */
  readonly mac?: string
  readonly mtu?: number
  /** The gateway that the filters were made for. Absent: there was none. */
  readonly gateway?: string
  /** The shared IPv6 addresses and the routers that the filters were made for. Absent: containers have no IPv6. */
  readonly ipv6?: InspectedIpv6
  readonly settings: InspectedSettings
  /** Containers by slot: those that `recover()` finds, and those whose link is down. */
  readonly containers: readonly InspectedContainer[]
  /** How many further containers have a slot. Their ports and ephemeral ranges are another matter. */
  readonly freeSlots: number
  /** What is not as it should be, a sentence each. */
  readonly faults: readonly string[]
  /**
   * The faults of links that are no complete containers: a call was cut, or a program is just making or removing one.
   * `recover()` removes them, as it removes containers that are not `up`.
   */
  readonly halfMade: readonly string[]
  /** What could not be read, and which right is missing. */
  readonly unreadable: readonly string[]
}

/** What containers share of IPv6, by the filters, which do not have the lengths of prefixes. */
export interface InspectedIpv6 {
  readonly addresses: readonly string[]
  /** Absent: there is none. */
  readonly linkLocal?: string
  /** The routers whose advertisements reach containers, in their order. */
  readonly gateways: readonly string[]
}

/** A container as the kernel has it. */
export interface InspectedContainer extends ContainerInfo, ContainerProcesses {
  /** Whether its link is up. Nothing passes one that is down; `recover()` removes it. */
  readonly up: boolean
  /** Since when its namespace has had a name or an open file, in ISO 8601. Absent if no name holds the namespace, or that has lost its name. */
  readonly since?: string
}

/** Which options of `create()` the kernel shows. A member is absent where nothing shows it. */
export interface InspectedSettings {
  readonly neighbours?: 'prefix' | 'gateway'
  /** Absent: containers have no IPv6. */
  readonly neighbours6?: 'prefix' | 'gateway'
  readonly fragments?: 'drop' | 'allow'
  /** The host's other addresses that containers reach. */
  readonly hostAddresses?: readonly string[]
  /** Of the newest container. */
  readonly multicast?: 'drop' | 'allow'
  /** Likewise; `'restricted'`: denied, or allowed for some ports. */
  readonly hostAccess?: 'allow' | 'restricted'
  /** Where the fq_codel with a flow per container hangs. Absent: there is none. */
  readonly egressFlowClassifierParent?: string
  /** The ports that `reserveHostPorts` has added to the host's reserved ones. */
  readonly reservedPorts: readonly PortRange[]
  /** net.core.netdev_max_backlog before `raiseNetdevMaxBacklog` raised it. Absent: it was not raised. */
  readonly backlogBefore?: number
  /** MTU of the loopback interface before `create()`, bytes. */
  readonly loopbackMtuBefore?: number
}
