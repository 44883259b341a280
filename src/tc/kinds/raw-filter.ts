import { littleEndian } from '../../netlink/codec/byte-order.js'
import { binary, Writer } from '../../netlink/codec/index.js'
import type { UnknownAttribute } from '../../netlink/codec/unknown-attribute.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { Uncarried } from '../../netlink/uncarried.js'
import {
  actionList,
  actionsFromWire,
  actionsToWire,
  actionWords,
  type Action,
  type ActionSpec,
} from '../action.js'
import { etherTypeNumber, type EtherType } from '../ether-type.js'
import type { AnyFilterKind } from '../filter-kind.js'
import type { Handle } from '../handle.js'
import { GIVEN_OFFLOAD_FLAGS, offloadOf } from '../offload.js'
import { policeFields } from '../police.js'
import { readAttributes, writeAttributes } from '../raw-attributes.js'
import { rawWords } from '../tc-command.js'
import { wholeNumber } from '../whole-number.js'

/** The kernel's name of an attribute and its number. */
type Named = readonly [name: string, type: number]

/** Where a kind of filter that is not modelled has what other kinds have too. */
interface RawFilterPlaces {
  readonly actions: Named
  readonly police?: Named
  /** TCA_CLS_FLAGS_*. The kernel sets some of them, and refuses to be given those. */
  readonly flags?: Named
  /** What only reports. */
  readonly reported?: Named
  /** Keys of a VLAN tag. The kernel reads them where `etherType` is that of the tag, and lists the one inside there. */
  readonly vlan?: { readonly etherType: Named; readonly keys: readonly Named[] }
}

/** By kind: linux/pkt_cls.h. */
export const rawFilterPlaces = {
  basic: {
    actions: ['TCA_BASIC_ACT', 3],
    police: ['TCA_BASIC_POLICE', 4],
    reported: ['TCA_BASIC_PCNT', 5],
  },
  cgroup: { actions: ['TCA_CGROUP_ACT', 1], police: ['TCA_CGROUP_POLICE', 2] },
  flow: { actions: ['TCA_FLOW_ACT', 9], police: ['TCA_FLOW_POLICE', 10] },
  flower: {
    actions: ['TCA_FLOWER_ACT', 3],
    flags: ['TCA_FLOWER_FLAGS', 22],
    reported: ['TCA_FLOWER_IN_HW_COUNT', 86],
    vlan: {
      etherType: ['TCA_FLOWER_KEY_ETH_TYPE', 8],
      keys: [
        ['TCA_FLOWER_KEY_VLAN_ID', 23],
        ['TCA_FLOWER_KEY_VLAN_PRIO', 24],
        ['TCA_FLOWER_KEY_VLAN_ETH_TYPE', 25],
      ],
    },
  },
  fw: { actions: ['TCA_FW_ACT', 4], police: ['TCA_FW_POLICE', 2] },
  matchall: {
    actions: ['TCA_MATCHALL_ACT', 2],
    flags: ['TCA_MATCHALL_FLAGS', 3],
    reported: ['TCA_MATCHALL_PCNT', 4],
  },
  route: { actions: ['TCA_ROUTE4_ACT', 6], police: ['TCA_ROUTE4_POLICE', 5] },
} as const satisfies Readonly<Record<string, RawFilterPlaces>>

interface RawFilterFields {
  readonly protocol: EtherType
  readonly handle?: Handle | undefined
  readonly options?: Uint8Array | undefined
  readonly actions?: readonly ActionSpec[] | undefined
}

/** What the kernel reports of such a filter beside what was asked for. */
export interface RawFilterState {
  actions?: readonly Action[]
  /** Only of kinds that a device can run: `flower`, `matchall`. */
  inHardware?: boolean
}

/** A kind of filter that is not modelled but for its actions. The other options are bytes that make it again. */
export const rawFilterKind = (places: RawFilterPlaces): AnyFilterKind => ({
  codec: binary,
  parseHandle: handle => wholeNumber('handle', handle as number),
  formatHandle: handle => handle,

  toWire({ options: bytes, actions, protocol }: RawFilterFields, devices): Uint8Array | undefined {
    const wire = actionsToWire(actions, devices)
    const options = bytes && withVlanType(places.vlan, bytes, protocol)
    if (!wire) return options
    const writer = new Writer()
    actionList.put(writer, wire)
    const [name, type] = places.actions
    return writeAttributes([
      ...givenAttributes(name, type, options),
      { type, bytes: Uint8Array.from(writer.bytes()) },
    ])
  },

  fromWire(bytes: Uint8Array, devices): Omit<RawFilterFields, 'protocol'> & RawFilterState & Uncarried {
    const attributes = readAttributes(bytes)
    const known = [places.actions, places.police, places.flags, places.reported].map(place => place?.[1])
    if (!attributes?.some(({ type }) => known.includes(type))) return { options: bytes }
    const find = (place: Named | undefined): UnknownAttribute | undefined =>
      attributes.find(({ type }) => type === place?.[1])
    const [actions, flags] = [find(places.actions), find(places.flags)]
    const { police, uncarried } = policeFields(places.police?.[0] ?? '', find(places.police)?.bytes)
    const kept = attributes.flatMap(attribute => {
      const { type } = attribute
      if (type === places.actions[1] || type === places.reported?.[1]) return []
      if (type === places.police?.[1]) return police ? [{ ...attribute, bytes: police }] : []
      return [type === places.flags?.[1] ? { ...attribute, bytes: givenFlags(attribute.bytes) } : attribute]
    })
    return {
      options: writeAttributes(kept),
      ...(actions && { actions: actionsIn(actions.bytes, devices) }),
      ...(places.flags && { inHardware: offloadOf(flags && flagsIn(flags.bytes)).inHardware }),
      ...(uncarried && { uncarried }),
    }
  },

  words: ({ options, actions }: RawFilterFields) => [
    ...actionWords(actions),
    ...rawWords('TCA_OPTIONS', options),
  ],
})

/** TPIDs: linux/if_ether.h. */
const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8

/**
 * The options with the EtherType of the tag. The kernel lists the one inside the tag instead, and takes a filter with
 * that for one without VLAN keys (fl_set_key in net/sched/cls_flower.c).
 */
function withVlanType(vlan: RawFilterPlaces['vlan'], options: Uint8Array, protocol: EtherType): Uint8Array {
  const attributes = vlan && readAttributes(options)
  const key = vlan?.keys.find(([, type]) => attributes?.some(attribute => attribute.type === type))
  const etherType = attributes?.find(({ type }) => type === vlan?.etherType[1])
  if (!attributes || !key || !etherType || etherType.bytes.length < 2) return options
  const isTag = (type: number): boolean => type === ETH_P_8021Q || type === ETH_P_8021AD
  const view = viewOf(etherType.bytes)
  if (isTag(view.getUint16(0))) return options
  const tag = etherTypeNumber(protocol)
  if (!isTag(tag)) {
    throw new TypeError(
      `options: ${key[0]} needs the EtherType of the tag, which is neither in ${vlan?.etherType[0]} nor in protocol`,
    )
  }
  view.setUint16(0, tag)
  return writeAttributes(attributes)
}

/** The options beside actions. Throws TypeError where they are no attributes, or hold actions themselves. */
function givenAttributes(
  name: string,
  type: number,
  options: Uint8Array = new Uint8Array(),
): UnknownAttribute[] {
  const given = readAttributes(options)
  if (!given) throw new TypeError('options: expected attributes, to which those of the actions can be added')
  if (given.some(attribute => attribute.type === type))
    throw new TypeError(`options: these bytes hold ${name} beside 'actions'; give one of the two`)
  return given
}

const actionsIn = (bytes: Uint8Array, devices: DeviceNames): Action[] =>
  actionsFromWire(actionList.get(viewOf(bytes), 0, bytes.length), devices)

const flagsIn = (bytes: Uint8Array): number =>
  bytes.length < 4 ? 0 : viewOf(bytes).getUint32(0, littleEndian)

function givenFlags(bytes: Uint8Array): Uint8Array {
  const given = new Uint8Array(4)
  viewOf(given).setUint32(0, flagsIn(bytes) & GIVEN_OFFLOAD_FLAGS, littleEndian)
  return given
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
