import type { Frame } from './frames.js'
import type { World } from './world.js'

/** Where frames are looked for: on the wire, at a container's eth0, accepted by the host. */
export type Place = 'wire' | 'host' | 'c1' | 'c2'

/** Where a frame starts from: a packet socket on the eth0 of one of these. */
export type Origin = 'remote' | 'c1' | 'c2'

/** The layout on which a check has to fail, to show that the suite can see it fail. */
export type Control = 'open' | 'classic'

interface Named {
  /** The row of the notes, such as `A04`, or an id of its own. */
  readonly id: string
  /** The rule that the frame breaks, or the path that has to work. */
  readonly rule: string
}

/** Frames, and where they must not arrive. */
export interface BlockedFrame extends Named {
  readonly from: Origin
  /** `mark` is what the frame is recognised by: at its end, or in a frame too short for it, the destination MAC. */
  readonly frame: Frame
  readonly never: readonly Place[]
  /** Default: `open`, the same layout without its guard. */
  readonly control?: Control
}

/** Frames, and how often they must arrive where. */
export interface PassingFrame extends Named {
  readonly from: Origin
  readonly frame: Frame
  readonly arrives: Readonly<Partial<Record<Place, number>>>
}

/** Anything else: resolves with what went wrong, undefined when all is well. */
export interface Scenario extends Named {
  readonly run: (world: World) => Promise<string | undefined>
  /** Undefined for what has to work, and for what no layout fails at. */
  readonly control?: Control
  /** Layouts on which it makes no sense. */
  readonly notOn?: readonly string[]
}

export type FrameCheck = BlockedFrame | PassingFrame
export type Check = FrameCheck | Scenario

/** Checks that are run one after the other, or whose frames are sent together. */
export interface Group {
  readonly name: string
  readonly checks: readonly Check[]
}

/** What became of a check on a layout: undefined when it passed. */
export type Verdicts = Map<string, string | undefined>

export const isFrame = (check: Check): check is FrameCheck => 'frame' in check

/** The layout on which a check must fail; undefined for what has to work. */
export const controlOf = (check: Check): Control | undefined =>
  'never' in check ? (check.control ?? 'open') : 'arrives' in check ? undefined : check.control
