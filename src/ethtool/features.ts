import { NetlinkError } from '../netlink/errors.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import { Ethtool } from './ethtool.js'
import {
  ETHTOOL_FLAG_OMIT_REPLY,
  ETHTOOL_MSG_FEATURES_GET,
  ETHTOOL_MSG_FEATURES_SET,
  featuresBody,
} from './messages.js'

const getFeatures = { name: 'ETHTOOL_MSG_FEATURES_GET', body: featuresBody }
const setFeatures = { name: 'ETHTOOL_MSG_FEATURES_SET', body: featuresBody }

/** A feature by the name that `ethtool -k` has for it. */
export interface DeviceFeature {
  readonly ifindex: number
  readonly feature: string
}

/**
 * Turns features of devices off, and with them what needs them. Needs CAP_NET_ADMIN.
 *
 * @returns false, having done nothing, in a kernel without CONFIG_ETHTOOL_NETLINK
 * @throws NetlinkError for a device or a feature that is not there
 */
export async function turnOffFeatures(
  netns: NetworkNamespace,
  features: readonly DeviceFeature[],
): Promise<boolean> {
  const done = await Ethtool.in(netns, async ethtool => {
    for (const { ifindex, feature } of features) {
      const header = { ifindex, flags: ETHTOOL_FLAG_OMIT_REPLY }
      // A bit that is named without a value is to be off; those that are not named stay.
      const wanted = { bits: [{ name: feature }] }
      const attributes = { header, wanted }
      await ethtool.ask(setFeatures, { cmd: ETHTOOL_MSG_FEATURES_SET, version: 1, attributes })
    }
    return true
  })
  return done === true
}

/**
 * The features that devices have on, by index; devices that are gone are left out. Needs no privilege.
 *
 * @returns undefined in a kernel without CONFIG_ETHTOOL_NETLINK
 */
export function activeFeatures(
  netns: NetworkNamespace,
  ifindexes: readonly number[],
): Promise<Map<number, ReadonlySet<string>> | undefined> {
  return Ethtool.in(netns, async ethtool => {
    const features = new Map<number, ReadonlySet<string>>()
    for (const ifindex of ifindexes) {
      const active = await activeOn(ethtool, ifindex)
      if (active) features.set(ifindex, active)
    }
    return features
  })
}

async function activeOn(ethtool: Ethtool, ifindex: number): Promise<ReadonlySet<string> | undefined> {
  const question = { cmd: ETHTOOL_MSG_FEATURES_GET, version: 1, attributes: { header: { ifindex } } }
  try {
    const answer = await ethtool.ask(getFeatures, question)
    return new Set(answer?.attributes.active?.bits?.flatMap(({ name }) => name ?? []))
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined
    throw error
  }
}
