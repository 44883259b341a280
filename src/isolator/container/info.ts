import { linkName } from '../layout/layout.js'
import { interfaceOf, isHeld, type ContainerFacts } from '../plan/facts.js'
import type { PortRange } from '../ports/port-ranges.js'
import type { RateLimit } from '../options/rate-limit.js'

/** An isolated container. */
export interface ContainerInfo {
  readonly id: string
  /** Its non-ephemeral ports. */
  readonly ports: readonly PortRange[]
  /** Its ephemeral ports, first and last. */
  readonly ephemeralPorts: PortRange
  /** The host's end of its veth pair; the name of its namespace in /run/netns is the same, if it is `held`. */
  readonly link: string
  /** 1 to 4095; every name and handle in the kernel follows from it. */
  readonly slot: number
  /** Whether a name in /run/netns holds its namespace: else that ends with its last process, and the container with it. */
  readonly held: boolean
  /** The name of its interface inside. */
  readonly interfaceName: string
  /** What it may send, and receive, at most; absent where it is not limited. */
  readonly egress?: RateLimit
  readonly ingress?: RateLimit
}

/** What callers get to know of a container. */
export function infoOf(container: ContainerFacts): ContainerInfo {
  const { id, ports, ephemeralPorts, slot, egress, ingress } = container
  return {
    id,
    ports: ports.toJSON(),
    ephemeralPorts,
    link: linkName(slot),
    slot,
    held: isHeld(container),
    interfaceName: interfaceOf(container),
    ...(egress && { egress }),
    ...(ingress && { ingress }),
  }
}
