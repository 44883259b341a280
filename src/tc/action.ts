import {
  choice,
  list,
  object,
  optional,
  passingOver,
  scalar,
  knownText,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import {
  attributes,
  binary,
  byKind,
  nested,
  numbered,
  reported,
  text,
  u32,
  type Codec,
  type Infer,
  type InferInput,
} from '../netlink/codec/index.js'
import { shellWord } from '../netlink/shell-word.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { ActionWire, AnyActionKind } from './actions/action-kind.js'
import { gactInput, gactKind, type GactAction } from './actions/gact.js'
import type { tcfT } from './actions/generic.js'
import { mirredInput, mirredKind, type MirredAction } from './actions/mirred.js'
import { takeApart, withIndex } from './actions/raw.js'
import {
  actionFlagsInput,
  actionFlagsOf,
  actionFlagWords,
  flagsToWire,
  hwStatsToWire,
  type ActionFlags,
} from './action-flags.js'
import { nlaBitfield32 } from './bitfield.js'
import { codecsOf, registryOf } from './kind-registry.js'
import { rawWords } from './tc-command.js'
import { optionWords } from './options-kind.js'
import { statistics2, statisticsOf, type Statistics } from './statistics.js'

/** A new kind of action is one file in actions/, a line here and one in `ActionSpec`. */
const actionKinds = registryOf<AnyActionKind>({ mirred: mirredKind, gact: gactKind })

/** TCA_ACT_*, linux/pkt_cls.h */
export const actionAttributes = attributes({
  kind: ['TCA_ACT_KIND', 1, text],
  options: ['TCA_ACT_OPTIONS', 2, nested(byKind('kind', codecsOf(actionKinds)))],
  stats: ['TCA_ACT_STATS', 4, statistics2(binary)],
  cookie: ['TCA_ACT_COOKIE', 6, binary],
  flags: ['TCA_ACT_FLAGS', 7, nlaBitfield32],
  hwStats: ['TCA_ACT_HW_STATS', 8, nlaBitfield32],
  inHwCount: ['TCA_ACT_IN_HW_COUNT', 10, reported(u32)],
})

/** What TCA_ACT_OPTIONS takes. */
type KindIn = NonNullable<ActionWireIn['options']>
type ActionWireIn = InferInput<typeof actionAttributes>
type ActionWireOut = Infer<typeof actionAttributes>

/** The actions of a filter: TCA_U32_ACT, TCA_BPF_ACT. */
export const actionList: Codec<ActionWireOut[], readonly ActionWireIn[]> = numbered(
  'action',
  actionAttributes,
)

/** TCA_ACT_MAX_PRIO, linux/pkt_cls.h */
const MAX_ACTIONS = 32
/** TC_COOKIE_MAX_SIZE, linux/pkt_cls.h */
const MAX_COOKIE = 16

/** A kind of action that is not modelled, with the content of TCA_ACT_OPTIONS as it is. */
export interface RawAction {
  kind: RawActionKind
  options?: Uint8Array | undefined
}

/** The kernel's kinds that are not modelled (net/sched/act_*.c). Others come as raw bytes too. */
export type RawActionKind =
  | 'bpf'
  | 'connmark'
  | 'csum'
  | 'ct'
  | 'ctinfo'
  | 'gate'
  | 'ife'
  | 'mpls'
  | 'nat'
  | 'pedit'
  | 'police'
  | 'sample'
  | 'simple'
  | 'skbedit'
  | 'skbmod'
  | 'tunnel_key'
  | 'vlan'

const cookie = scalar<Uint8Array>(
  `up to ${MAX_COOKIE} bytes, as a Uint8Array`,
  value => value instanceof Uint8Array && value.length <= MAX_COOKIE,
)

const common = object({
  /** Up to 16 bytes that the kernel keeps for whoever reads the action. */
  cookie: optional(cookie),
  /**
   * The number of the action among those of its kind in the network namespace. Where there is one with that number, the
   * filter shares it as it is. Default: a new one, whose number the kernel chooses. The number of a listed action that
   * no other filter shares is not asked for again.
   */
  index: optional(carriedBy(u32)),
})

/** What actions of every kind can have. */
export interface ActionCommon extends ActionFlags, InputOf<typeof common> {}

/** What a filter does with the packets it matches. */
export type ActionSpec = (MirredAction | GactAction | RawAction) & ActionCommon

/** What a listed action has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof ActionState, keyof ActionCommon>, true>> = {
  ...{ references: true, bindings: true, statistics: true },
}

const listed: Declaration<ActionCommon> = passingOver<ActionCommon>(
  object({}, common, actionFlagsInput),
  Object.keys(state),
)

const rawAction: Declaration<RawAction> = object({
  kind: knownText<RawActionKind>('the kind of an action'),
  options: optional(carriedBy(binary)),
})

const action: Declaration<ActionSpec> = choice(
  'kind',
  { mirred: object({}, mirredInput, listed), gact: object({}, gactInput, listed) },
  object({}, rawAction, listed),
)

/** The actions of a filter. */
export const actionsInput: Declaration<readonly ActionSpec[]> = list(action, 'a list of actions')

/** What the kernel reports of an action beside what was asked for. */
export interface ActionState {
  /** The number of this action among those of its kind in the network namespace. */
  index: number
  references: number
  /** Filters that use the action. */
  bindings: number
  statistics: ActionStatistics
}

export interface ActionStatistics extends Statistics {
  /** Seconds since the action was made, last and first used, and until it expires; what never was is left out. */
  age: { installed?: number; lastUsed?: number; firstUsed?: number; expires?: number }
}

/** An action as the kernel lists it. */
export type Action = ActionSpec & ActionState

/** The wire form of a filter's actions. Undefined where there are none. */
export function actionsToWire(
  actions: readonly ActionSpec[] | undefined,
  devices: DeviceNames,
): ActionWireIn[] | undefined {
  if (actions === undefined || actions.length === 0) return undefined
  if (actions.length > MAX_ACTIONS) {
    throw new RangeError(
      `a filter takes up to ${MAX_ACTIONS} actions, not ${actions.length}; end them with 'continue' and add a filter`,
    )
  }
  return actions.map(action => actionToWire(action, devices))
}

export const actionsFromWire = (wire: readonly ActionWireOut[] | undefined, devices: DeviceNames): Action[] =>
  (wire ?? []).map(action => actionFromWire(action, devices))

function actionToWire(action: ActionSpec, devices: DeviceNames): ActionWireIn {
  const kind = actionKinds.get(action.kind)
  const index = indexOf(action)
  return {
    kind: action.kind,
    options: kind
      ? withParms(kind.toWire(action as never, devices) as { parms: object }, index)
      : rawOptions(action as RawAction, index),
    cookie: action.cookie,
    hwStats: hwStatsToWire(action),
    flags: flagsToWire(action),
  }
}

const withParms = (options: { parms: object }, index: number | undefined): KindIn =>
  index === undefined ? options : { ...options, parms: { ...options.parms, index } }

function rawOptions(action: RawAction, index: number | undefined): Uint8Array | undefined {
  const { kind, options } = action
  if (index !== undefined) return withIndex(kind, options, index)
  // Bytes that nothing is known of hold a number too, and a copy would share the action that has it.
  if (options && 'statistics' in action && !takeApart(kind, options)) {
    throw new TypeError(
      `options: this ${kind} action was listed, and it is not known where TCA_ACT_OPTIONS has its number;` +
        ` take 'statistics' out of the action to give the bytes as they are`,
    )
  }
  return options
}

/**
 * The number to ask for. What was listed has the number that it had: a copy with the same number would share the action,
 * or become whatever has the number now. An action that was shared cannot be copied as such.
 */
function indexOf(action: ActionSpec): number | undefined {
  const { kind, index = 0 } = action
  const references = referencesOf(action)
  if (index === 0 || references === 1) return undefined
  if (references === 0) return index
  throw new TypeError(
    `index: this ${kind} action was listed with number ${index} and ${references} references, which share it;` +
      ` a copy would not be shared. Take 'references' out of the action to share what has number ${index}`,
  )
}

/** 0 for one that was not listed. */
const referencesOf = (action: ActionSpec): number =>
  (action as Partial<Pick<ActionState, 'references'>>).references ?? 0

function actionFromWire(wire: ActionWireOut, devices: DeviceNames): Action {
  const { kind = '', cookie, stats } = wire
  const options =
    wire.options instanceof Uint8Array ? (takeApart(kind, wire.options) ?? wire.options) : wire.options
  const { parms, tm } = (options instanceof Uint8Array ? {} : (options ?? {})) as ActionWire
  return {
    ...fieldsOf(kind, options, devices),
    ...(cookie && { cookie }),
    ...actionFlagsOf(wire),
    index: parms?.index ?? 0,
    references: parms?.refcnt ?? 0,
    bindings: parms?.bindcnt ?? 0,
    statistics: { ...statisticsOf(stats), age: ageOf(tm) },
  }
}

function fieldsOf(name: string, options: unknown, devices: DeviceNames): ActionSpec {
  const kind = actionKinds.get(name)
  if (kind && options !== undefined && !(options instanceof Uint8Array)) {
    return kind.fromWire(options as never, devices) as ActionSpec
  }
  const bytes = options instanceof Uint8Array ? options : (options as RawAction | undefined)?.options
  return { kind: name as RawActionKind, ...(bytes && { options: bytes }) }
}

/** USER_HZ: the kernel gives times in clock ticks of user space, 100 a second on every architecture but one. */
const CLOCK_TICKS_PER_SECOND = 100

function ageOf(tm: Infer<typeof tcfT> | undefined): ActionStatistics['age'] {
  if (!tm) return {}
  const seconds = (ticks: bigint): number => Number(ticks) / CLOCK_TICKS_PER_SECOND
  return {
    ...(tm.install !== 0n && { installed: seconds(tm.install) }),
    ...(tm.lastuse !== 0n && { lastUsed: seconds(tm.lastuse) }),
    ...(tm.firstuse !== 0n && { firstUsed: seconds(tm.firstuse) }),
    ...(tm.expires !== 0n && { expires: seconds(tm.expires) }),
  }
}

/** `action mirred egress redirect dev veth1`, for each. */
export const actionWords = (actions: readonly ActionSpec[] | undefined): string[] =>
  (actions ?? []).flatMap(action => [
    'action',
    shellWord(action.kind),
    ...(actionKinds.get(action.kind)?.words(action as never) ?? []),
    ...(referencesOf(action) === 0 ? optionWords({ index: action.index || undefined }) : []),
    ...(action.cookie ? ['cookie', Buffer.from(action.cookie).toString('hex')] : []),
    ...actionFlagWords(action),
    ...('options' in action ? rawWords('TCA_ACT_OPTIONS', action.options) : []),
  ])
