import {
  boolean,
  namesOf,
  object,
  oneOf,
  optional,
  passingOver,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { checkedObject } from '../netlink/checked-object.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { ipAddress, linkAddress, type Infer, type InferInput } from '../netlink/codec/index.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/constants.js'
import { deviceIndex, deviceInput, deviceName } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { ObjectType, Restoration, Verb } from '../netlink/object-type.js'
import type { Uncarried } from '../netlink/uncarried.js'
import type { IpFamily } from './address-family.js'
import { defined } from './defined.js'
import { neighbourMessages, type neighbourBody } from './neighbour-messages.js'
import {
  neighbourFlagBits,
  neighbourFlagNames,
  neighbourStateInput,
  neighbourStateName,
  neighbourStateNumber,
  type NeighbourFlag,
  type NeighbourState,
} from './neighbour-states.js'
import { familyOf } from './prefix.js'
import { neighbourRestoration } from './restoration.js'
import { routeProtocols } from './route-names.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'

const keyMembers = object({
  dev: deviceInput,
  /** The neighbour's IP address. */
  address: carriedBy(ipAddress),
  /** True for an address that the device answers for (proxy ARP), which is a table of its own. */
  proxy: optional(boolean),
  /**
   * Follows from the address; another one is refused. So is that of an entry of a bridge's forwarding table, which a monitor
   * reports too.
   */
  family: optional(oneOf('inet', 'inet6')),
})

/** What says which entry of a neighbour table is meant. */
export interface NeighbourKey extends InputOf<typeof keyMembers> {}

const specMembers = object({
  /** The neighbour's link-layer address, `'02:00:0a:09:00:02'`. */
  lladdr: optional(carriedBy(linkAddress)),
  /** Default: `'permanent'`. */
  state: optional(neighbourStateInput),
  router: optional(boolean),
  /** Learnt by a control plane. */
  extern_learn: optional(boolean),
  /** Starts to look for the neighbour. */
  use: optional(boolean),
  /** The kernel keeps it reachable. */
  managed: optional(boolean),
  protocol: optional(nameOrNumber(routeProtocols, 0, 0xff)),
})

/** An entry of a neighbour table (ARP, neighbour discovery) as it is asked for; the words are those of `ip neighbour`. */
export interface NeighbourSpec extends NeighbourKey, InputOf<typeof specMembers> {}

/** An entry as the kernel describes it. */
export interface Neighbour extends NeighbourSpec {
  dev: string
  ifindex: number
  family: IpFamily
  state: NeighbourState
  flags: NeighbourFlag[]
  /** Probes sent without an answer. */
  probes?: number
  /** Seconds ago. */
  confirmed?: number
  used?: number
  updated?: number
}

/** What a listed entry has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof Neighbour | keyof Uncarried, keyof NeighbourSpec>, true>> = {
  ...{ ifindex: true, flags: true, uncarried: true },
  ...{ probes: true, confirmed: true, used: true, updated: true },
}

const listed = passingOver<NeighbourKey>(keyMembers, Object.keys(state))
const spec: Declaration<NeighbourSpec> = object({}, listed, specMembers)
const key: Declaration<NeighbourKey> = passingOver<NeighbourKey>(keyMembers, namesOf(spec))

const query = object({
  dev: optional(deviceInput),
  family: optional(oneOf('inet', 'inet6')),
  state: optional(neighbourStateInput),
  /** True lists proxies, and nothing else. */
  proxy: optional(boolean),
})

/** Which entries to list; all but proxies where nothing is said. */
export interface NeighbourQuery extends InputOf<typeof query> {}

type Body = Infer<typeof neighbourBody>
type BodyInput = InferInput<typeof neighbourBody>

const neighbours: ObjectType<NeighbourSpec, NeighbourKey, NeighbourQuery, Neighbour> = {
  name: 'neighbour',
  messages: neighbourMessages,
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: NLM_F_REPLACE },

  toNew(spec, devices): BodyInput {
    const body = byKey(spec, devices)
    const { flags, extended } = neighbourFlagBits(spec)
    return {
      ...body,
      state: neighbourStateNumber(spec.state ?? 'permanent'),
      flags,
      attributes: {
        ...body.attributes,
        lladdr: spec.lladdr,
        protocol: spec.protocol,
        flagsExt: extended === 0 ? undefined : extended,
      },
    }
  },

  toDelete: byKey,
  toGet: byKey,

  toDump: ({ dev, family, proxy = false }, devices): BodyInput => ({
    family: family ?? 'unspec',
    flags: neighbourFlagBits({ proxy }).flags,
    attributes: { ifindex: dev === undefined ? undefined : deviceIndex(devices, dev) },
  }),

  // A dump of all families has the forwarding tables of bridges too.
  matches: (found, { dev, family, state, proxy = false }, devices) =>
    (found.proxy ?? false) === proxy &&
    (found.family === 'inet' || found.family === 'inet6') &&
    (dev === undefined || found.ifindex === deviceIndex(devices, dev)) &&
    (family === undefined || found.family === family) &&
    (state === undefined || found.state === state),

  fromBody: (body, devices) => fromBody(body as Body, devices),
  // The kernel also reports what a bridge forwards, by link-layer address.
  identity: ({ ifindex, family, address, lladdr = '', proxy = false }) =>
    `${ifindex} ${family} ${address || lladdr}${proxy ? ' proxy' : ''}`,
  restoration: neighbourRestoration as Restoration<NeighbourSpec, Neighbour>,
  passing: ['probes', 'confirmed', 'used', 'updated'],
  command,
}

/** Neighbour tables: `ip neighbour`, net/core/neighbour.c. */
export const neighbour = checkedObject('neighbours', { spec, key, query }, neighbours)

function byKey({ dev, address, proxy, family }: NeighbourKey, devices: DeviceNames): BodyInput {
  return {
    family: familyOf('address', address, family),
    ifindex: deviceIndex(devices, dev),
    flags: neighbourFlagBits({ proxy }).flags,
    attributes: { dst: address },
  }
}

function fromBody({ family, ifindex, state, flags, attributes: a }: Body, devices: DeviceNames): Neighbour {
  const names = neighbourFlagNames(flags, a.flagsExt ?? 0)
  const set = (name: NeighbourFlag): true | undefined => names.includes(name) || undefined
  return defined({
    dev: deviceName(devices, ifindex),
    ifindex,
    family: family as IpFamily,
    address: a.dst ?? '',
    lladdr: a.lladdr,
    state: neighbourStateName(state),
    proxy: set('proxy'),
    router: set('router'),
    extern_learn: set('extern_learn'),
    use: set('use'),
    managed: set('managed'),
    flags: names,
    protocol: a.protocol,
    probes: a.probes,
    confirmed: a.cacheinfo && a.cacheinfo.confirmed / 100,
    used: a.cacheinfo && a.cacheinfo.used / 100,
    updated: a.cacheinfo && a.cacheinfo.updated / 100,
  })
}

function command(verb: Verb, object: NeighbourSpec | NeighbourKey): string {
  const key = `${object.proxy ? 'proxy ' : ''}${shellWord(object.address)}`
  const dev = `dev ${deviceWord(object.dev)}`
  if (verb === 'get') return `ip neigh get ${key} ${dev}`
  if (verb === 'delete') return `ip neigh del ${key} ${dev}`
  return [`ip neigh ${verb} ${key}`, ...settingWords(object), dev].join(' ')
}

function settingWords({ lladdr, state, protocol, ...flags }: NeighbourSpec): string[] {
  return [
    ...(lladdr === undefined ? [] : [`lladdr ${shellWord(lladdr)}`]),
    ...(state === undefined ? [] : [`nud ${state}`]),
    ...(['router', 'extern_learn', 'use', 'managed'] as const).filter(flag => flags[flag]),
    ...(protocol === undefined ? [] : [`protocol ${protocol}`]),
  ]
}
