import { linkName } from '../layout/layout.js'
import type { ContainerFacts } from '../plan/facts.js'
import type { PortRange } from '../ports/port-ranges.js'
import type { RateLimit } from '../options/rate-limit.js'

/** An isolated container. */
export interface ContainerInfo {
  readonly id: string
  /** Its non-ephemeral ports. */
  readonly ports: readonly PortRange[]
  /** Its ephemeral ports, first and last. */
  readonly ephemeralPorts: PortRange
  /** The host's end of its veth pair; the handle of its namespace in /run/netns has the same name. */
  readonly link: string
  /** 1 to 4095; every name and handle in the kernel follows from it. */
  readonly slot: number
  /** What it may send, and receive, at most; absent where it is not limited. */
  readonly egress?: RateLimit
  readonly ingress?: RateLimit
}

/** What callers get to know of a container. */
export const infoOf = ({
  id,
  ports,
  ephemeralPorts,
  slot,
  egress,
  ingress,
}: ContainerFacts): ContainerInfo => ({
  id,
  ports: ports.toJSON(),
  ephemeralPorts,
  link: linkName(slot),
  slot,
  ...(egress && { egress }),
  ...(ingress && { ingress }),
})
