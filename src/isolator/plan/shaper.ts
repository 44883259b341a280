import { link } from '../../rtnetlink/index.js'
import { shaperNames } from '../layout/layout.js'
import { masterOf, portOf } from './bridge.js'
import type { ContainerFacts, FeatureOff, HostFacts } from './facts.js'
import { guardedLink, finalDrop } from './guard.js'
import { limitPlan, shaperPlace } from './limit.js'
import { plan, planDelete, type Planned } from './planned.js'

/*
 * The shaper: a veth pair on the host that everything a container may send goes through, to the wire, to the host and to
 * other containers, so that one limit holds for all of it and nothing inside the container can take it away. LOCAL and
 * WIRE on the container's veth lead to its near end; HTB is there; behind it, on the far end, LOCAL and WIRE part the
 * ways. An ifb would not do: what leaves it has no filters before it any more.
 */

/**
 * What the near end must not leave to whoever comes behind it: a checksum that is still to be filled in. A frame says where,
 * and a forged one says so of its source address or port, which WIRE on the container's veth has looked at by then. With
 * it goes TSO, so that segments are cut here as well; WIRE on the far end sees what will be on the wire.
 */
export const shaperFeature = ({ slot }: ContainerFacts): FeatureOff => ({
  dev: shaperNames(slot).near,
  feature: 'tx-checksum-ip-generic',
})

/** Both ends have the host's MAC, or what goes through would count as somebody else's. */
export function shaperPair({ mac: address, mtu }: HostFacts, { slot }: ContainerFacts): Planned {
  const { near, far } = shaperNames(slot)
  const quiet = { address, mtu, arp: false, multicast: false }
  const spec = { name: near, kind: 'veth', ...quiet, peer: { name: far, ...quiet } } as const
  return plan(link, 'add', spec, planDelete(link, near))
}

/** What the two ends need but for LOCAL and WIRE. Nothing reaches them yet, so they can be up. */
export function shaper(host: HostFacts, container: ContainerFacts): Planned[] {
  const { slot } = container
  const { near, far } = shaperNames(slot)
  return [
    ...[near, far].flatMap(dev => [
      plan(link, 'change', { dev, ...masterOf(host, slot), ...guardedLink(host) }),
      ...finalDrop(dev),
    ]),
    ...limitPlan(shaperPlace(host, container), container.egress),
    // The kernel applies the settings of a port before it sets the device up.
    ...[near, far].map(dev => plan(link, 'change', { dev, ...portOf(host), up: true })),
  ]
}
