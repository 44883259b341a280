import { link, type BridgePort, type Link, type LinkSpec } from '../../rtnetlink/index.js'
import { bridgeName } from '../layout/layout.js'
import type { HostFacts } from './facts.js'
import { guardedLink } from './guard.js'
import { plan, planDelete, type Planned } from './planned.js'

/*
 * What drops the frames that the ingress hook does not see. An ifb marks each frame that leaves it, so that it is not
 * redirected twice (skb->tc_skip_classify, drivers/net/ifb.c), and a veth keeps that mark. So a frame that root has led
 * through an ifb inside its container passes by all filters on the host's end, the final drop and netfilter's ingress
 * hook included, and would enter the host's stack. Next on its way is the handler of the device's master: that of a
 * bridge takes every frame, and drops it if the bridge is down (br_handle_frame, net/bridge/br_input.c).
 *
 * Frames whose mark is gone never get there: a filter takes them before. So no packet pays for the bridge.
 */

/**
 * Frames to 01:80:c2:00:00:00 to :0f are for the bridge itself, which hands them to the host: a bit of the mask for each
 * address that is to be treated as any other. The mask of a port may have all but the second, of pause frames, which a
 * bridge drops always. The other two hold if somebody sets the bridge up: a locked port takes frames of known senders
 * only, and none is learned.
 */
const PORT: BridgePort = { groupFwdMask: 0xfffd, learning: false, locked: true }

/** A bridge that takes no part in anything. With an address of its own it does not take that of a port. */
const BRIDGE = {
  kind: 'bridge',
  address: '02:70:6d:62:00:00',
  arp: false,
  multicast: false,
  mcastSnooping: 0,
} as const satisfies LinkSpec

/** What a bridge of ours is to be like after anything that has happened to it. */
export const bridgeSettings = (dev: string, { ipv6 }: Pick<HostFacts, 'ipv6'>): Planned =>
  plan(link, 'change', { dev, up: false, ...guardedLink({ ipv6 }) })

/** Makes a bridge. */
export const bridgePlan = (name: string, host: Pick<HostFacts, 'ipv6'>): Planned[] => [
  bridgeBirth(name),
  bridgeSettings(name, host),
]

/** The bridge alone. */
export const bridgeBirth = (name: string): Planned =>
  plan(link, 'add', { name, ...BRIDGE }, planDelete(link, name))

/** Whether a link with the name of a bridge of ours is one: anybody may call a link `pmb0`. */
export const isOurBridge = ({ kind, arp, multicast }: Link): boolean =>
  kind === 'bridge' && !arp && !multicast

/** The master of a device of a container; nothing on a kernel without bridges. */
export const masterOf = ({ bridged }: HostFacts, slot: number): Pick<LinkSpec, 'master'> =>
  bridged ? { master: bridgeName(slot) } : {}

/** The settings that such a device needs before it goes up, and after it has its master. */
export const portOf = ({ bridged }: HostFacts): Pick<LinkSpec, 'bridgePort'> =>
  bridged ? { bridgePort: PORT } : {}

/** Whether a device of a container is in its bridge, and lets nothing by. */
export const isEnslaved = ({ master, bridgePort }: Link, slot: number): boolean =>
  master === bridgeName(slot) && bridgePort?.groupFwdMask === PORT.groupFwdMask

/** Puts a device of a container that is there into its bridge. */
export const enslaved = (host: HostFacts, dev: string, slot: number): Planned[] => [
  plan(link, 'change', { dev, ...masterOf(host, slot) }),
  plan(link, 'change', { dev, ...portOf(host) }),
]
