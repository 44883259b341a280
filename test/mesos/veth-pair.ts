import type { Test } from 'tap'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { scratch, type Scratch } from '../rtnetlink/scratch.js'

/** The pair that Mesos's routing tests make. */
export const VETH = 'veth-test'
export const PEER = 'veth-peer'

export const needsVeth = () => allOf(canCreateNamespaces(), hasLink('veth'))

/** A namespace with the pair in it: Mesos's `link::veth::create(TEST_VETH_LINK, TEST_PEER_LINK)`. */
export async function scratchWithPair(t: Test): Promise<Scratch> {
  const made = await scratch(t)
  made.rt.links.add({ name: VETH, kind: 'veth', peer: { name: PEER } })
  return made
}
