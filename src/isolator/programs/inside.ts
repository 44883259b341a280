import {
  byteAt,
  equal,
  halfAt,
  halfAtX,
  ipHeaderLengthToX,
  sequence,
  when,
  wordAt,
} from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import type { Instruction } from '../../tc/classic-bpf/instruction.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  ETH_TYPE,
  IPV4,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_VERSION_AND_IHL,
} from './frame-offsets.js'
import {
  ETH_P_IP,
  IP_MF,
  IP_OFFSET,
  IPPROTO_ICMP,
  IPV4_WITHOUT_OPTIONS,
  LOCALHOST,
  PORT_PROTOCOLS,
} from './frame-values.js'
import { mustBeOneOf, mustEqual, mustHaveNoneOf, mustNotBeIn } from './frame-requirements.js'
import { toHost } from './frame-rules.js'
import { localUnreachable } from './unreachable.js'
import { match } from './verdicts.js'

/** What INSIDE depends on. */
export interface InsideOptions {
  /** The host's IPv4 address, which is the container's as well. */
  readonly address: string
  /** The host's other addresses that containers reach. Default: none. */
  readonly hostAddresses?: readonly string[] | undefined
  /** All ports of the container, ephemeral ones included. */
  readonly ports: PortRanges
}

/**
 * INSIDE, a classifier on the container's own `lo`: what leaves through its `eth0` for the host and other containers.
 *
 * Port traffic to the host's addresses or a loopback address for ports that are not the container's own, behind IP options
 * too; and "unreachable" about a packet from elsewhere to a port of its own. Other ICMP, fragments and its own ports stay inside.
 */
export function inside({ address, hostAddresses = [], ports }: InsideOptions): Program {
  return assemble(
    isIpv4,
    toHost([address, ...hostAddresses].map(ipv4ToNumber)),
    halfAt(IPV4_FRAGMENT, mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, when(equal(IPPROTO_ICMP), plainUnreachable(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    ipHeaderLengthToX(IPV4),
    halfAtX(IPV4 + 2, mustNotBeIn(ports)),
    match,
  )
}

const isIpv4 = halfAt(ETH_TYPE, mustEqual(ETH_P_IP))

/** No host has it: it stands for any address. */
const ANY_ADDRESS = 0

/**
 * What INSIDE begins with whatever the ports and addresses are: the checks of protocol and destination, as they are and as
 * earlier versions made them.
 */
const BEGINNINGS = [
  sequence(isIpv4, toHost([ANY_ADDRESS]).slice(0, -1)),
  sequence(isIpv4, wordAt(IPV4_DESTINATION, mustBeOneOf([ANY_ADDRESS, LOCALHOST]))),
]

/** Whether a program is INSIDE, of whatever address and ports. */
export const isInside = (program: Program): boolean =>
  BEGINNINGS.some(
    beginning =>
      program.length > beginning.length &&
      beginning.every((instruction, i) => isAlike(program[i] as Instruction, instruction)),
  )

/** How far it jumps depends on the number of addresses. */
const isAlike = (found: Instruction, { code, k }: Instruction): boolean =>
  found.code === code && (k === ANY_ADDRESS || found.k === k)

const plainUnreachable = (ports: PortRanges) =>
  sequence(byteAt(IPV4_VERSION_AND_IHL, mustEqual(IPV4_WITHOUT_OPTIONS)), localUnreachable(ports))
