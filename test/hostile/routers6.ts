import { macOption } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import type { BlockedFrame, Check, Group, PassingFrame } from './check.js'
import { twins } from './family.js'
import { EVIL_MAC, type Frame } from './frames.js'
import {
  ALL_ROUTERS,
  groupMac,
  listener,
  redirect6,
  routerAdvertisement,
  routerSolicitation,
  TO_ALL_NODES,
  WITHIN_LINK,
  type Discovery,
} from './frames6.js'

const REMOTE = {
  ...{ mac: REMOTE_MAC, source: REMOTE_LINK_LOCAL },
  options: Buffer.concat([Buffer.alloc(8), macOption(1, REMOTE_MAC)]),
} as const
const TO_HOST = { destination: HOST_LINK_LOCAL, to: HOST_MAC } as const
const TO_SHARED = { destination: HOST_IP6, to: HOST_MAC } as const
const OF_GATEWAY = {
  source: REMOTE_LINK_LOCAL,
  options: Buffer.concat([Buffer.alloc(8), macOption(1, EVIL_MAC)]),
}

const ADVERTISEMENTS: readonly (readonly [id: string, what: string, fields: Discovery])[] = [
  ['RA1', "in the host's name", {}],
  ['RA2', "in the gateway's name, with another MAC", OF_GATEWAY],
  [
    'RA3',
    "in the gateway's name, that it is none any more",
    { source: REMOTE_LINK_LOCAL, rest: Buffer.alloc(4) },
  ],
  [
    'RA4',
    'with a prefix and a name server',
    {
      options: Buffer.from(
        `${'00'.repeat(8)}030440c0ffffffffffffffff0000000020010db8006600000000000000000000` +
          '190300000000ffff20010db8006600000000000000000053',
        'hex',
      ),
    },
  ],
  ['RA5', 'with a small MTU', { options: Buffer.from(`${'00'.repeat(8)}0501000000000500`, 'hex') }],
  ['RA6', 'that came through a router', { hopLimit: 64 }],
  ['RA7', 'from a shared address', { source: HOST_IP6 }],
]

/** From a container: not to the wire, not into the host, not to another container. */
const outward = (id: string, rule: string, frame: Frame): Check => ({
  id,
  rule,
  from: 'c1',
  never: ['wire', 'host', 'c2'],
  frame,
})

/** From the wire: the host's, and no container's. */
const inward = (id: string, rule: string, frame: Frame): BlockedFrame => ({
  id: `${id}i`,
  rule: `${rule}, from the wire`,
  from: 'remote',
  never: ['c1', 'c2'],
  control: 'classic',
  frame,
})
/** The same to a group, which no layout hands on. The host sees it. */
const toGroup = (id: string, rule: string, frame: Frame): PassingFrame => ({
  id: `${id}i`,
  rule: `${rule}, from the wire: the host's alone`,
  from: 'remote',
  frame,
  arrives: { c1: 0, c2: 0, host: 1 },
})

const LISTENERS: readonly (readonly [type: number, what: string])[] = [
  [130, 'a query of groups'],
  [131, 'a report of a group'],
  [132, 'that a group is left'],
  [143, 'a report of groups (MLDv2)'],
]

/** Who routes and who listens to which group is between routers and the host. */
export const routers6: Group = {
  name: 'Routers, redirects and groups',
  checks: [
    ...twins([
      outward('A26.5', 'a redirect', redirect6({ destination: REMOTE_LINK_LOCAL })),
      outward(
        'A26.9',
        'a router advertisement to one machine',
        routerAdvertisement({ destination: REMOTE_LINK_LOCAL, to: REMOTE_MAC }),
      ),
      outward('A26.10', 'a router solicitation', routerSolicitation()),
      outward('I18', 'a redirect to the host', redirect6({ ...TO_HOST, source: REMOTE_LINK_LOCAL })),
      {
        id: 'R17',
        rule: 'a redirect from the wire',
        from: 'remote',
        never: ['c1', 'c2'],
        control: 'classic',
        frame: redirect6({ ...WITHIN_LINK, ...TO_SHARED, target: REMOTE_LINK_LOCAL }),
      },
    ]),
    ...ADVERTISEMENTS.flatMap(([id, what, fields]) => [
      outward(id, `a router advertisement ${what}`, routerAdvertisement(fields)),
      outward(
        `${id}h`,
        `a router advertisement ${what}, to the host`,
        routerAdvertisement({ ...fields, ...TO_HOST }),
      ),
      outward(
        `${id}s`,
        `a router advertisement ${what}, to a shared address`,
        routerAdvertisement({ ...fields, ...TO_SHARED }),
      ),
    ]),
    ...(
      [
        [REMOTE_LINK_LOCAL, 'its link-local address'],
        [HOST_LINK_LOCAL, "the host's own"],
      ] as const
    ).map(([source, what], i) =>
      outward(
        `RD${i + 1}`,
        `a redirect to a shared address, from ${what}`,
        redirect6({ ...TO_SHARED, source, target: HOST_LINK_LOCAL }),
      ),
    ),
    outward(
      'RD3',
      'a redirect to a remote from a shared address',
      redirect6({ source: HOST_IP6, destination: REMOTE_IP6 }),
    ),
    outward('RS1', 'a router solicitation without a MAC', routerSolicitation({ options: Buffer.alloc(0) })),
    outward(
      'RS2',
      'a router solicitation from the unspecified address',
      routerSolicitation({ source: '::', options: Buffer.alloc(0) }),
    ),
    outward(
      'RS3',
      "a router solicitation with another's MAC",
      routerSolicitation({ options: macOption(1, EVIL_MAC) }),
    ),
    outward(
      'RS4',
      'a router solicitation to one machine',
      routerSolicitation({ destination: REMOTE_LINK_LOCAL, to: REMOTE_MAC }),
    ),
    ...LISTENERS.flatMap(([type, what]) => [
      outward(`MLD.${type}`, what, listener(type)),
      outward(
        `MLD.${type}r`,
        `${what}, to routers`,
        listener(type, { destination: ALL_ROUTERS, to: groupMac(ALL_ROUTERS) }),
      ),
      outward(
        `MLD.${type}h`,
        `${what}, to the host`,
        listener(type, { ...TO_HOST, source: REMOTE_LINK_LOCAL }),
      ),
    ]),
    inward(
      'RA8',
      'a router advertisement to the shared address',
      routerAdvertisement({ ...REMOTE, ...TO_SHARED }),
    ),
    inward(
      'RS5',
      'a router solicitation to the shared address',
      routerSolicitation({ ...REMOTE, ...TO_SHARED, options: macOption(1, REMOTE_MAC) }),
    ),
    ...LISTENERS.map(([type, what]) =>
      inward(`MLD.${type}`, what, listener(type, { ...REMOTE, ...TO_SHARED, options: Buffer.alloc(0) })),
    ),
    toGroup(
      'RA9',
      'a router advertisement to all nodes',
      routerAdvertisement({ ...REMOTE, ...TO_ALL_NODES }),
    ),
    toGroup('MLD', 'a query of groups to all nodes', listener(130, { ...REMOTE, options: Buffer.alloc(0) })),
  ],
}
