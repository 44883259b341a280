import { object, optional, presence, text, whole, type Declaration, type InputOf } from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { attributes, linkAddress, u32, type Infer, type InferInput } from '../netlink/codec/index.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import { deviceIndexInput, deviceNameInput } from '../netlink/devices.js'
import { commonLinkDeclarations, linkModes } from './link-attributes.js'
import {
  flagsAndChange,
  flagWords,
  settableFlagsIn,
  settableFlagsInput,
  type SettableFlags,
} from './link-flags.js'
import { shellWord } from '../netlink/shell-word.js'

/**
 * The network namespace to put a link into: a file descriptor of it, which an open NetworkNamespace has, or the pid of
 * a process inside. `name` is only for command lines: what `ip netns` calls the namespace.
 */
export type LinkNetns = { readonly fd: number; readonly name?: string | undefined } | { readonly pid: number }

/** A namespace for a link, as a caller gives it. */
const linkNetnsInput: Declaration<LinkNetns> = presence(
  'pid',
  object({ pid: whole(1, 0x7fff_ffff, 'the pid of a process') }),
  object({ fd: whole(0, 0x7fff_ffff, 'a file descriptor'), name: optional(text()) }),
)

const number = optional(carriedBy(u32))

const members = object({
  /** Interface name, up to 15 bytes. `'veth%d'` lets the kernel choose a number. */
  name: optional(deviceNameInput),
  /** Interface index. Chosen by the kernel where it is not given. */
  index: optional(deviceIndexInput),
  /** Link-layer address, `'02:00:0a:09:00:02'`. */
  address: optional(carriedBy(linkAddress)),
  /** Link-layer broadcast address. */
  broadcast: optional(carriedBy(linkAddress)),
  /** Bytes. */
  mtu: number,
  /** Number of the group that the link belongs to; 0 is `default`. */
  group: number,
  /** Packets that a default qdisc may hold. */
  txQueueLength: number,
  /** Number of transmit queues; only when the link is made. */
  txQueues: number,
  /** Number of receive queues; only when the link is made. */
  rxQueues: number,
  /** Bytes of the largest packet that is left to the device to cut up. */
  gsoMaxSize: number,
  gsoMaxSegments: number,
  /** Bytes of the largest packet that is put together from received ones. */
  groMaxSize: number,
  /** `gsoMaxSize` for IPv4 alone. */
  gsoIpv4MaxSize: number,
  /** `groMaxSize` for IPv4 alone. */
  groIpv4MaxSize: number,
  /** `'dormant'`: the carrier alone does not make the link operational; a program (802.1X) says when. */
  linkMode: optional(nameOrNumber(linkModes, 0, 0xff)),
  netns: optional(linkNetnsInput),
})

/** What can be set of any link, and of the peer of a veth. */
export interface LinkSettings extends SettableFlags, InputOf<typeof members> {}
export const linkSettingsInput: Declaration<LinkSettings> = object({}, members, settableFlagsInput)

/** IFLA_* but for IFLA_LINKINFO. */
export const commonLinkAttributes = attributes(commonLinkDeclarations)

export type CommonLinkAttributes = Infer<typeof commonLinkAttributes>

/** The settings whose value is that of the attribute, with the words of `ip link` for them. */
const words = {
  address: 'address',
  broadcast: 'broadcast',
  mtu: 'mtu',
  group: 'group',
  txQueueLength: 'txqueuelen',
  txQueues: 'numtxqueues',
  rxQueues: 'numrxqueues',
  gsoMaxSize: 'gso_max_size',
  gsoMaxSegments: 'gso_max_segs',
  groMaxSize: 'gro_max_size',
  gsoIpv4MaxSize: 'gso_ipv4_max_size',
  groIpv4MaxSize: 'gro_ipv4_max_size',
  linkMode: 'mode',
} as const

const plainSettings = Object.entries(words) as [keyof typeof words, string][]

/** The flags and attributes that settings become; name and index apart, which say which link it is about. */
export interface SettingsMessage {
  flags: number
  change: number
  attributes: InferInput<typeof commonLinkAttributes>
}

export function settingsMessage(settings: LinkSettings): SettingsMessage {
  const { netns } = settings
  const attributes: Record<string, unknown> = {}
  for (const [key] of plainSettings) if (settings[key] !== undefined) attributes[key] = settings[key]
  if (netns !== undefined) {
    if ('pid' in netns) attributes['netnsPid'] = netns.pid
    else attributes['netnsFd'] = netns.fd
  }
  return { ...flagsAndChange(settings), attributes }
}

/** Reads settings back. Flags outside of `mask` are left out. */
export function settingsIn(
  { index, flags, attributes }: { index: number; flags: number; attributes: CommonLinkAttributes },
  mask: number,
): LinkSettings {
  const { name, netnsFd, netnsPid } = attributes
  const settings: Record<string, unknown> = {}
  if (name !== undefined) settings['name'] = name
  if (index > 0) settings['index'] = index
  for (const [key] of plainSettings) if (attributes[key] !== undefined) settings[key] = attributes[key]
  if (netnsFd !== undefined) settings['netns'] = { fd: netnsFd }
  if (netnsPid !== undefined) settings['netns'] = { pid: netnsPid }
  return { ...settings, ...settableFlagsIn(flags, mask) }
}

/** The words of `ip link` for settings, name and index apart. */
export const settingsWords = (settings: LinkSettings): string[] => [
  ...plainSettings.flatMap(([key, word]) => {
    const value = settings[key]
    return value === undefined ? [] : [`${word} ${shellWord(value)}`]
  }),
  ...flagWords(settings),
  ...(settings.netns === undefined ? [] : [`netns ${netnsWord(settings.netns)}`]),
]

/** A name in /run/netns, a pid, or the path of this process's file descriptor. */
const netnsWord = (netns: LinkNetns): string =>
  'pid' in netns ? String(netns.pid) : shellWord(netns.name ?? `/proc/${process.pid}/fd/${netns.fd}`)
