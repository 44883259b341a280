import type { FeatureOff, Sysctl } from '../plan/facts.js'
import type { Planned } from '../plan/planned.js'

/** Something in the kernel that is not as planned. */
export interface Difference {
  /** The container it belongs to; absent for what `create()` put on the host. */
  readonly id?: string
  /**
   * `'unreadable'`: what a container has made inside its own namespace keeps the host from looking there. `'ahead'`: what
   * somebody has put where it sees packets before our filters do, and can take them. `'deaf'`: a socket of the host that gets no
   * packets, because a container has its port.
   */
  readonly kind: 'missing' | 'different' | 'surplus' | 'unreadable' | 'ahead' | 'deaf'
  /**
   * What is planned, as the `ip`, `tc` or `sysctl` command that makes it so; of what is surplus or ahead, what is there; of a socket,
   * the command that shows who has it; of what is
   * unreadable, whose inside.
   */
  readonly object: string
  /** What is there instead, or why it could not be read. */
  readonly found?: string
  /** True for what is somebody else's, or cannot be put right: `repair` leaves it as it is. */
  readonly foreign: boolean
}

/** A difference, and what puts it right: nothing where it is foreign. */
export interface Fault {
  readonly difference: Difference
  /** Messages, in order. */
  readonly mend: readonly Planned[]
  /** Messages that take out what stands in the way, once all that is to be there beside it has been added. */
  readonly exchange?: readonly Planned[]
  readonly sysctl?: Sysctl
  /** It is on. */
  readonly feature?: FeatureOff
  /** It is in the container's namespace. */
  readonly inside?: boolean
  /** The namespace has to get its name back. */
  readonly attach?: boolean
}

/** The fault of what is somebody else's, or cannot be put right. */
export const foreign = (kind: Difference['kind'], object: string, found?: string): Fault => ({
  difference: { kind, object, ...(found !== undefined && { found }), foreign: true },
  mend: [],
})
