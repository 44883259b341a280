import { macOption } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import {
  HOST_IP6,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_IP6,
  REMOTE_LINK_LOCAL,
} from '../isolator/inet6-topology.js'
import type { Check, Group } from './check.js'
import { twins } from './family.js'
import { EVIL_MAC } from './frames.js'
import {
  advertisement6,
  ELSEWHERE6,
  NEIGHBOUR6,
  SOLICITED,
  solicitation6,
  TO_ALL_NODES,
  type Discovery,
} from './frames6.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const c1Host = { from: 'c1', never: ['host'] } as const
/** Not into another container, nor out, or it would get there by way of a switch. */
const c1C2 = { from: 'c1', never: ['c2', 'host', 'wire'] } as const
const EVIL_SOURCE = { options: macOption(1, EVIL_MAC) } as const
const EVIL_TARGET = { options: macOption(2, EVIL_MAC) } as const
const TO_REMOTE = { destination: REMOTE_IP6, to: REMOTE_MAC, rest: SOLICITED } as const
const NO_OPTIONS = { options: Buffer.alloc(0) } as const

/** Solicitations that teach nobody anything wrong, but that the host would not send, or not like this. */
const SOLICITATIONS: readonly (readonly [id: string, what: string, fields: Discovery])[] = [
  ['NS1', "for a neighbour other than the gateway (neighbours6: 'gateway')", { target: NEIGHBOUR6 }],
  ['NS2', 'for far away', { target: ELSEWHERE6 }],
  ['NS3', "for the host's own address", { target: HOST_IP6 }],
  ['NS4', "for the host's address that is not shared", { target: NOT_SHARED }],
  ['NS5', 'for the unspecified address', { target: '::' }],
  ['NS6', 'for the loopback address', { target: '::1' }],
  ['NS7', 'for a group', { target: 'ff02::1' }],
  ['NS8', 'without its MAC', NO_OPTIONS],
  ['NS9', 'with the option of a target', { options: macOption(2, HOST_MAC) }],
  ['NS10', 'with two MACs', { options: Buffer.concat([macOption(1, HOST_MAC), macOption(1, EVIL_MAC)]) }],
  ['NS11', 'with an option of no length', { options: Buffer.from([1, 0, 2, 0, 10, 9, 0, 2]) }],
  [
    'NS12',
    'with a nonce (SEND)',
    { options: Buffer.concat([macOption(1, HOST_MAC), Buffer.from([14, 1, 1, 2, 3, 4, 5, 6])]) },
  ],
  ['NS13', 'with a code', { code: 1 }],
  ['NS14', 'that came through a router', { hopLimit: 254 }],
  ['NS15', 'to all nodes', TO_ALL_NODES],
  [
    'NS16',
    'to the solicited-node group of another',
    { destination: 'ff02::1:ff00:77', to: '33:33:ff:00:00:77' },
  ],
  ['NS17', 'in a frame for another group', { to: '33:33:ff:00:00:77' }],
  ['NS18', 'in a broadcast frame', { to: 'ff:ff:ff:ff:ff:ff' }],
  ['NS19', 'to a machine that is not its target', { destination: REMOTE_IP6, to: REMOTE_MAC }],
  ['NS20', 'from the loopback address', { source: '::1' }],
  ['NS21', "from the host's address that is not shared", { source: NOT_SHARED }],
]

/** A container may look for its gateway in the host's name; it may tell nobody anything. */
export const neighbours6: Group = {
  name: 'Neighbour discovery of a container',
  checks: [
    ...twins([
      {
        id: 'A20',
        rule: 'an advertisement that gives the host another MAC',
        ...c1Wire,
        frame: advertisement6({ ...TO_REMOTE, ...EVIL_TARGET }),
      },
      {
        id: 'ARP1',
        rule: 'a solicitation that gives the host another MAC',
        ...c1Wire,
        frame: solicitation6(EVIL_SOURCE),
      },
      {
        id: 'A21',
        rule: "an advertisement that claims the gateway's address",
        ...c1Wire,
        frame: advertisement6({ target: REMOTE_LINK_LOCAL }),
      },
      {
        id: 'ARP2',
        rule: "a solicitation from the gateway's address",
        ...c1Wire,
        frame: solicitation6({ source: REMOTE_LINK_LOCAL }),
      },
      {
        id: 'ARP3',
        rule: "an unsolicited advertisement of a neighbour's address",
        ...c1Wire,
        frame: advertisement6({ source: NEIGHBOUR6, target: NEIGHBOUR6 }),
      },
      {
        id: 'ARP4',
        rule: 'an advertisement, though a true one',
        ...c1Wire,
        frame: advertisement6(TO_REMOTE),
      },
      {
        id: 'ARP5',
        rule: 'the detection of duplicates, which makes others give up an address',
        ...c1Wire,
        frame: solicitation6({ source: '::', target: NEIGHBOUR6, ...NO_OPTIONS }),
      },
      {
        id: 'ARP9',
        rule: 'a MAC other than that of the frame',
        ...c1Wire,
        frame: solicitation6({ mac: EVIL_MAC }),
      },
      { id: 'ARP14', rule: 'a tagged solicitation', ...c1Wire, frame: solicitation6({ vlans: [5] }) },
      {
        id: 'ARP15',
        rule: "an advertisement into the host's table",
        ...c1Host,
        frame: advertisement6({
          ...{ source: REMOTE_LINK_LOCAL, target: REMOTE_LINK_LOCAL, ...EVIL_TARGET },
          ...{ destination: HOST_LINK_LOCAL, to: HOST_MAC, rest: SOLICITED },
        }),
      },
      {
        id: 'ARP16',
        rule: "a solicitation into the host's table",
        ...c1Host,
        frame: solicitation6({
          ...{ source: NEIGHBOUR6, target: HOST_IP6, ...EVIL_SOURCE },
          ...{ destination: HOST_IP6, to: HOST_MAC },
        }),
      },
      {
        id: 'A23',
        rule: 'a priority tag around a solicitation to the host',
        ...c1Host,
        frame: solicitation6({
          ...{ vlans: [0], mac: EVIL_MAC, source: NEIGHBOUR6, target: HOST_IP6, ...EVIL_SOURCE },
          ...{ destination: HOST_IP6, to: HOST_MAC },
        }),
      },
      {
        id: 'L17',
        rule: 'a question in the host’s name',
        from: 'c1',
        frame: solicitation6(),
        arrives: { wire: 1, host: 0, c2: 0 },
      },
      {
        id: 'L17b',
        rule: 'the same to one MAC, as the kernel probes',
        from: 'c1',
        frame: solicitation6({ destination: REMOTE_LINK_LOCAL, to: REMOTE_MAC }),
        arrives: { wire: 1, c2: 0 },
      },
    ]),
    ...SOLICITATIONS.map(([id, what, fields]): Check => ({
      id,
      rule: `a solicitation ${what}`,
      ...c1Wire,
      frame: solicitation6(fields),
    })),
    {
      id: 'NS22',
      rule: "the detection of duplicates of the host's address, into the host",
      ...c1Host,
      frame: solicitation6({ source: '::', target: HOST_IP6, ...NO_OPTIONS }),
    },
    {
      id: 'NA1',
      rule: "an advertisement that the host's address is somebody's, into the host",
      ...c1Host,
      frame: advertisement6(EVIL_TARGET),
    },
    {
      id: 'NA2',
      rule: 'an advertisement of a router, though the host is none',
      ...c1Wire,
      frame: advertisement6({
        source: HOST_LINK_LOCAL,
        target: HOST_LINK_LOCAL,
        rest: Buffer.from([0xe0, 0, 0, 0]),
      }),
    },
    {
      id: 'NA3',
      rule: 'an advertisement without a MAC',
      ...c1Wire,
      frame: advertisement6({ ...TO_REMOTE, ...NO_OPTIONS }),
    },
    {
      id: 'NA4',
      rule: 'an advertisement of an address in the prefix that nobody has',
      ...c1Wire,
      frame: advertisement6({ ...TO_REMOTE, target: '2001:db8:9::1234' }),
    },
    ...(
      [
        ['NA5', advertisement6({ target: REMOTE_LINK_LOCAL, ...EVIL_TARGET })],
        [
          'NA6',
          advertisement6({
            ...{ source: REMOTE_LINK_LOCAL, target: REMOTE_LINK_LOCAL, ...EVIL_TARGET },
            ...{ destination: HOST_IP6, to: HOST_MAC, rest: SOLICITED },
          }),
        ],
      ] as const
    ).map(([id, frame]): Check => ({
      id,
      rule: `the gateway's MAC, told to another container ${id === 'NA5' ? 'among all nodes' : 'by the shared address'}`,
      ...c1C2,
      frame,
    })),
    {
      id: 'NS23',
      rule: 'a solicitation from the gateway, into another container',
      ...c1C2,
      frame: solicitation6({
        ...{ source: REMOTE_LINK_LOCAL, target: HOST_IP6, ...EVIL_SOURCE },
        ...{ destination: HOST_IP6, to: HOST_MAC },
      }),
    },
    {
      id: 'L17c',
      rule: 'a question from a shared address',
      from: 'c1',
      frame: solicitation6({ source: HOST_IP6 }),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
    {
      id: 'NS24',
      rule: "from the host's link-local address, with a global target",
      ...c1Wire,
      frame: solicitation6({ source: HOST_LINK_LOCAL, target: REMOTE_IP6 }),
    },
  ],
}
