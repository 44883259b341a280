import { patched, cut } from './frames.js'
import type { Check, Group } from './check.js'
import { INET6, twins } from './family.js'
import { ported6, solicitation6 } from './frames6.js'
import { framesOfOthers } from './links.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const

/** Where headers end in a frame. */
const [ETHERNET, IPV6] = [14, 14 + 40]

const CUT: readonly (readonly [id: string, length: number, what: string])[] = [
  ['T01', ETHERNET, 'an Ethernet header and nothing behind'],
  ['T02', ETHERNET + 16, 'cut inside the IPv6 header'],
  ['T03', IPV6, 'cut behind the IPv6 header'],
  ['T04', IPV6 + 2, 'cut between the ports'],
  ['T05', IPV6 + 7, 'one byte short of a UDP header'],
]

const LENGTHS: readonly (readonly [id: string, length: number, what: string])[] = [
  ['T11', 0, '0, as a jumbogram has'],
  ['T13', 2, 'that ends between the ports'],
  ['T14', 7, 'short of a UDP header'],
]

const VERSIONS: readonly (readonly [id: string, version: number, what: string])[] = [
  ['T07', 4, 'IP version 4 in an IPv6 frame'],
  ['T08', 0, 'IP version 0'],
]

/** Who the frame says it is from, and how much of IPv6 there is in it. */
export const links6: Group = {
  name: 'Ethernet frames of a container, IPv6',
  checks: [
    ...twins([
      ...framesOfOthers(INET6),
      ...CUT.map(([id, length, what]): Check => ({
        id,
        rule: what,
        ...c1Wire,
        frame: cut(length, ported6()),
      })),
      { id: 'T06', rule: 'a solicitation, one byte short', ...c1Wire, frame: cut(85, solicitation6()) },
      ...VERSIONS.map(([id, version, what]): Check => ({
        id,
        rule: what,
        ...c1Wire,
        frame: ported6({ version }),
      })),
      ...LENGTHS.map(([id, length, what]): Check => ({
        id,
        rule: `a payload length ${what}`,
        ...c1Wire,
        frame: ported6({ length }),
      })),
    ]),
    { id: 'T15', rule: 'IP version 15', ...c1Wire, frame: ported6({ version: 15 }) },
    {
      id: 'T16',
      rule: 'IPv6 in an IPv4 frame',
      ...c1Wire,
      frame: patched(ported6(), { 12: 0x08, 13: 0x00 }),
    },
    {
      id: 'T17',
      rule: 'a solicitation whose length leaves its MAC out',
      ...c1Wire,
      frame: patched(solicitation6(), { 19: 24 }),
    },
    {
      id: 'T18',
      rule: 'a solicitation whose length covers more than its MAC',
      ...c1Wire,
      frame: patched(solicitation6(), { 19: 40 }),
    },
  ],
}
