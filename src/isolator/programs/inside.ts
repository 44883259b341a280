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
import { PortRanges } from '../ports/port-ranges.js'
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
import { localUnreachable } from './unreachable.js'
import { match } from './verdicts.js'

/** What INSIDE depends on. */
export interface InsideOptions {
  /** The host's IPv4 address, which is the container's as well. */
  readonly address: string
  /** All ports of the container, ephemeral ones included. */
  readonly ports: PortRanges
}

/**
 * INSIDE, a classifier on the container's own `lo`: what leaves through its `eth0` for the host and other containers.
 *
 * Port traffic to the host's address or 127.0.0.1 for ports that are not the container's own, behind IP options too; and
 * "unreachable" about a packet from elsewhere to a port of its own. Other ICMP, fragments, other loopback addresses and its own ports stay inside.
 */
export function inside({ address, ports }: InsideOptions): Program {
  return assemble(
    halfAt(ETH_TYPE, mustEqual(ETH_P_IP)),
    wordAt(IPV4_DESTINATION, mustBeOneOf([ipv4ToNumber(address), LOCALHOST])),
    halfAt(IPV4_FRAGMENT, mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, when(equal(IPPROTO_ICMP), plainUnreachable(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    ipHeaderLengthToX(IPV4),
    halfAtX(IPV4 + 2, mustNotBeIn(ports)),
    match,
  )
}

/** Instructions that INSIDE begins with whatever the ports are: the checks of protocol and destination. */
const BEGINNING = 7

/** Whether a program is INSIDE, of whatever address and ports. */
export function isInside(program: Program): boolean {
  const any = inside({ address: '0.0.0.0', ports: PortRanges.from([]) })
  return (
    program.length >= any.length &&
    any.slice(0, BEGINNING).every((instruction, i) => {
      const { code, jt, jf, k } = program[i] as Instruction
      const isAddress = instruction.k === 0
      return (
        code === instruction.code &&
        jt === instruction.jt &&
        jf === instruction.jf &&
        (isAddress || k === instruction.k)
      )
    })
  )
}

const plainUnreachable = (ports: PortRanges) =>
  sequence(byteAt(IPV4_VERSION_AND_IHL, mustEqual(IPV4_WITHOUT_OPTIONS)), localUnreachable(ports))
