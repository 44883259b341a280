import { checkedObject } from '../netlink/checked-object.js'
import type { Infer, InferInput } from '../netlink/codec/index.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/constants.js'
import { deviceIndex, deviceName, type Device } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { ObjectType, Verb } from '../netlink/object-type.js'
import { bridgePortData, bridgePortIn } from './bridge-port.js'
import { defined } from './defined.js'
import { hardwareTypes } from './hardware-types.js'
import { interfaceName, nameAttribute } from './interface-name.js'
import { linkKind, type VethPeer } from './kinds/index.js'
import { takenData } from './kinds/raw-data.js'
import { linkCommand } from './link-command.js'
import { flagNames } from './link-flags.js'
import type { linkBody } from './link-info.js'
import { linkMessages } from './link-messages.js'
import { linkRestoration } from './restoration.js'
import { linkSteps } from './link-steps.js'
import { settingsIn, settingsMessage } from './link-settings.js'
import {
  laterMembers,
  linkInputs,
  type Link,
  type LinkKey,
  type LinkQuery,
  type AnyLinkSpec,
  type TakenLinks,
} from './link-spec.js'

type Body = Infer<typeof linkBody>
type BodyInput = InferInput<typeof linkBody>
type Attributes = NonNullable<BodyInput['attributes']>

/** RTEXT_FILTER_SKIP_STATS, linux/rtnetlink.h: leaves the IPv6 counters out, not those of the link. */
const RTEXT_FILTER_SKIP_STATS = 1 << 3
/** IFALIASZ, linux/if.h, without the final NUL. */
const ALIAS_BYTES = 255

const links: ObjectType<AnyLinkSpec, LinkKey, LinkQuery, Link, TakenLinks> = {
  name: 'link',
  messages: linkMessages,
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: 0 },

  toNew(spec, devices, verb): BodyInput {
    const { attributes, ...flags } = settingsMessage(spec)
    const target = verb === 'change' ? changeTarget(spec, devices) : addTarget(spec)
    return {
      ...flags,
      index: target.index,
      attributes: {
        ...target.attributes,
        ...attributes,
        ...relations(spec, devices),
        ...(verb === 'change' ? changeOnly(spec) : refuseChangeOnly(spec, verb)),
        linkInfo: linkInfo(spec, verb),
      },
    }
  },

  toDelete: byKey,

  toGet(key, devices): BodyInput {
    const body = byKey(key, devices)
    return { ...body, attributes: { ...body.attributes, extMask: RTEXT_FILTER_SKIP_STATS } }
  },

  toDump: ({ kind, master }, devices): BodyInput => ({
    attributes: {
      extMask: RTEXT_FILTER_SKIP_STATS,
      master: master === undefined ? undefined : deviceIndex(devices, master),
      linkInfo: kind === undefined ? undefined : { kind },
    },
  }),

  // A kernel that has not loaded the kind's module does not filter by it, and an old one by nothing.
  matches: (found, { kind, master, up, group }, devices) =>
    found.family === 'unspec' &&
    (kind === undefined || found.kind === kind) &&
    (up === undefined || found.up === up) &&
    (group === undefined || found.group === group) &&
    (master === undefined ||
      found.master === (typeof master === 'string' ? master : devices.interfaceName(master))),

  fromBody: (body, devices) => fromBody(body as Body, devices),
  identity: ({ family, index }) => `${family} ${index}`,
  passing: ['statistics'],
  command: linkCommand,
  inSteps: linkSteps,
  restoration: linkRestoration,
}

/** Network devices: `ip link`, net/core/rtnetlink.c. */
export const link = checkedObject('links', linkInputs, links)

function byKey(key: LinkKey, devices: DeviceNames): BodyInput {
  return typeof key === 'string' ? { attributes: nameAttribute(key) } : { index: deviceIndex(devices, key) }
}

interface Target {
  index: number
  attributes: Attributes
}

function addTarget({ dev, name, index = 0 }: AnyLinkSpec): Target {
  if (dev !== undefined && name === undefined && index === 0)
    throw new TypeError(`dev: it says which link to change; a link that is made has a 'name'`)
  return { index, attributes: name === undefined ? {} : { name: interfaceName('name', name) } }
}

/**
 * Which link to change. By name it is the kernel that looks, except where the message has more to say: a new name, or a
 * group, which old kernels take for all links of that group when there is no link of the name.
 */
function changeTarget({ dev, index, name, group }: AnyLinkSpec, devices: DeviceNames): Target {
  const target = dev ?? index ?? name
  if (target === undefined) throw new TypeError('dev: a change needs the name or index of the link')
  const rename = name === undefined || name === target ? {} : { name: interfaceName('name', name) }
  if (typeof target === 'string' && group === undefined && rename.name === undefined) {
    return { index: 0, attributes: nameAttribute(target) }
  }
  return { index: deviceIndex(devices, target), attributes: rename }
}

const relations = ({ kind, link, linkNetnsid, master }: AnyLinkSpec, devices: DeviceNames): Attributes => ({
  link: link === undefined ? undefined : deviceIndex(devices, link),
  // Of a veth it is where the peer is. A tunnel has it without a link: it is where its packets go.
  linkNetnsid: kind === 'veth' ? undefined : linkNetnsid,
  master: master === undefined ? undefined : master === null ? 0 : deviceIndex(devices, master),
})

function changeOnly({ alias, inet, inet6 }: AnyLinkSpec): Attributes {
  if (alias !== undefined && Buffer.byteLength(alias) > ALIAS_BYTES) {
    throw new RangeError(`alias: '${alias}' is longer than ${ALIAS_BYTES} bytes`)
  }
  if (!inet && !inet6) return { alias }
  const { addrGenMode, token } = inet6 ?? {}
  return {
    alias,
    afSpec: { ...(inet && { inet: { conf: inet } }), ...(inet6 && { inet6: { token, addrGenMode } }) },
  }
}

function refuseChangeOnly(spec: AnyLinkSpec, verb: Verb): Attributes {
  const member = laterMembers.find(name => spec[name] !== undefined)
  if (member === undefined) return {}
  throw new TypeError(
    `${member}: the kernel ignores it in ${verb}, the message that makes a link;` +
      ` set it with change once the link is there, or use links.add(), which does so`,
  )
}

function linkInfo(spec: AnyLinkSpec, verb: Verb): Attributes['linkInfo'] {
  const { kind, bridgePort } = spec
  const port = bridgePort && { slaveKind: 'bridge', slaveData: bridgePortData(bridgePort) }
  if (kind === undefined) return port
  if (kind === 'veth' && verb === 'change') {
    refusePeerSettings(spec.peer)
    return { kind, ...port }
  }
  return {
    kind,
    ...port,
    data: linkKind(kind)?.toData(spec as never) ?? ('data' in spec ? spec.data : undefined),
  }
}

/** The peer of a listed veth has only what says which link it is. */
function refusePeerSettings(peer: VethPeer = {}): void {
  const listed = ['index', 'netnsid', ...(peer.index === undefined ? [] : ['name'])]
  const member = Object.keys(peer).find(key => !listed.includes(key))
  if (member !== undefined) throw new TypeError(`peer.${member}: a peer is set only when the link is made`)
}

/**
 * The typed form of a message of the kernel, or of a request. A request describes only what it sets: the operational
 * state, which the kernel always tells, tells them apart.
 */
function fromBody(body: Body, devices: DeviceNames): Link {
  const { attributes, index } = body
  const whole = attributes.operationalState !== undefined
  const link = {
    ...settingsIn(body, whole ? ~0 : body.change),
    ...relationNames(attributes, devices),
    ...(attributes.linkNetnsid === undefined ? {} : { linkNetnsid: attributes.linkNetnsid }),
    ...kindFields(attributes, devices),
    ...(attributes.alias === undefined ? {} : { alias: attributes.alias }),
    ...(attributes.altNames === undefined ? {} : { alternativeNames: attributes.altNames }),
    ...portFields(attributes),
    ...afSettings(attributes.afSpec),
    ...(whole ? state(body) : {}),
  } as Link
  const name = attributes.name ?? attributes.altName
  if (index > 0 && (!whole || name === undefined)) Object.assign(link, { dev: deviceName(devices, index) })
  return name === undefined ? link : { ...link, name }
}

function state({ family, type, flags, attributes: a }: Body): Partial<Link> {
  return defined({
    family,
    flags: flagNames(flags),
    hardwareType: hardwareTypes.toName(type),
    operationalState: a.operationalState,
    qdisc: a.qdisc,
    ipv6Sysctls: a.afSpec?.inet6?.conf,
    carrier: a.carrier === undefined ? undefined : a.carrier !== 0,
    carrierChanges: a.carrierChanges,
    minMtu: a.minMtu,
    maxMtu: a.maxMtu,
    promiscuity: a.promiscuity,
    allmulti: a.allmulti,
    tsoMaxSize: a.tsoMaxSize,
    tsoMaxSegments: a.tsoMaxSegments,
    permanentAddress: a.permanentAddress,
    parentDevice: a.parentDevice,
    parentBus: a.parentBus,
    slaveKind: a.linkInfo?.slaveKind,
    statistics: a.stats64,
  })
}

function relationNames(
  { link, linkNetnsid, master, linkInfo }: Body['attributes'],
  devices: DeviceNames,
): { link?: Device; master?: string | null } {
  const result: { link?: Device; master?: string | null } = {}
  // 0 is a tunnel over no device in particular; of a veth it is the peer.
  if (link !== undefined && link !== 0 && linkInfo?.kind !== 'veth')
    result.link = linkNetnsid === undefined ? deviceName(devices, link) : link
  if (master !== undefined) result.master = master === 0 ? null : deviceName(devices, master)
  return result
}

function kindFields(attributes: Body['attributes'], devices: DeviceNames): object {
  const { kind, data } = attributes.linkInfo ?? {}
  if (kind === undefined) return {}
  const modelled = linkKind(kind)
  if (modelled) return { kind, ...modelled.fromData(data, attributes, devices) }
  return data instanceof Uint8Array ? { kind, data: takenData(kind, data) } : { kind }
}

function portFields({ linkInfo }: Body['attributes']): object {
  const { slaveKind, slaveData } = linkInfo ?? {}
  return slaveKind === 'bridge' && slaveData ? { bridgePort: bridgePortIn(slaveData as Fields) } : {}
}

type Fields = Readonly<Record<string, unknown>>

function afSettings({ inet, inet6 }: NonNullable<Body['attributes']['afSpec']> = {}): object {
  return defined({
    inet: inet?.conf,
    inet6:
      inet6 &&
      defined({
        addrGenMode: inet6.addrGenMode,
        token: inet6.token === '::' ? undefined : inet6.token,
      }),
  })
}
