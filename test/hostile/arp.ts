import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC } from '../helpers/topology.js'
import type { Group } from './check.js'
import { arpOf, EVIL_MAC, patched } from './frames.js'

const c1Wire = { from: 'c1', never: ['wire'] } as const
const c1Host = { from: 'c1', never: ['host'] } as const
const UNICAST = { to: REMOTE_MAC } as const

/** A container may ask in the host's name; it may tell nobody anything. */
export const arps: Group = {
  name: 'ARP of a container',
  checks: [
    {
      id: 'A20',
      rule: 'a reply that gives the host another MAC',
      ...c1Wire,
      frame: arpOf({ ...UNICAST, operation: 'reply', senderMac: EVIL_MAC }),
    },
    {
      id: 'ARP1',
      rule: 'a request that gives the host another MAC',
      ...c1Wire,
      frame: arpOf({ senderMac: EVIL_MAC }),
    },
    {
      id: 'A21',
      rule: "a reply that claims the gateway's address",
      ...c1Wire,
      frame: arpOf({ operation: 'reply', senderIp: REMOTE_IP }),
    },
    {
      id: 'ARP2',
      rule: "a request that claims the gateway's address",
      ...c1Wire,
      frame: arpOf({ senderIp: REMOTE_IP }),
    },
    {
      id: 'ARP3',
      rule: "gratuitous ARP for a neighbour's address",
      ...c1Wire,
      frame: arpOf({ senderIp: '10.9.0.77', targetIp: '10.9.0.77' }),
    },
    {
      id: 'ARP4',
      rule: 'a reply, though a true one',
      ...c1Wire,
      frame: arpOf({ ...UNICAST, operation: 'reply' }),
    },
    {
      id: 'ARP5',
      rule: 'a probe without sender, which makes others give up an address',
      ...c1Wire,
      frame: arpOf({ senderIp: '0.0.0.0', targetIp: '10.9.0.77' }),
    },
    { id: 'ARP6', rule: 'a RARP request in an ARP frame', ...c1Wire, frame: arpOf({ operation: 3 }) },
    { id: 'ARP7', rule: 'inverse ARP', ...c1Wire, frame: arpOf({ operation: 8 }) },
    { id: 'ARP8', rule: 'operation 0', ...c1Wire, frame: arpOf({ operation: 0 }) },
    {
      id: 'ARP9',
      rule: 'a sender MAC other than that of the frame',
      ...c1Wire,
      frame: arpOf({ mac: EVIL_MAC }),
    },
    { id: 'ARP10', rule: 'another hardware type', ...c1Wire, frame: patched(arpOf(), { 15: 6 }) },
    {
      id: 'ARP11',
      rule: 'another protocol type',
      ...c1Wire,
      frame: patched(arpOf(), { 16: 0x86, 17: 0xdd }),
    },
    { id: 'ARP12', rule: 'another hardware address length', ...c1Wire, frame: patched(arpOf(), { 18: 8 }) },
    { id: 'ARP13', rule: 'another protocol address length', ...c1Wire, frame: patched(arpOf(), { 19: 16 }) },
    { id: 'ARP14', rule: 'a tagged request', ...c1Wire, frame: arpOf({ vlans: [5] }) },
    {
      id: 'ARP15',
      rule: "a reply into the host's table",
      ...c1Host,
      frame: arpOf({
        to: HOST_MAC,
        operation: 'reply',
        senderIp: REMOTE_IP,
        senderMac: EVIL_MAC,
        targetIp: HOST_IP,
      }),
    },
    {
      id: 'ARP16',
      rule: "a question into the host's table",
      ...c1Host,
      frame: arpOf({ to: HOST_MAC, senderIp: '10.9.0.88', targetIp: HOST_IP }),
    },
    {
      id: 'L17',
      rule: 'a question in the host’s name',
      from: 'c1',
      frame: arpOf(),
      arrives: { wire: 1, host: 0, c2: 0 },
    },
    {
      id: 'L17b',
      rule: 'the same to one MAC, as the kernel probes',
      from: 'c1',
      frame: arpOf(UNICAST),
      arrives: { wire: 1, c2: 0 },
    },
  ],
}
