import { byteAt, equal, halfAt, mask, sequence, when, type Block } from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import type { PortFields } from './frame-offsets.js'
import {
  DCCP_PKT_REQUEST,
  DCCP_TYPE_MASK,
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SCTP_CID_INIT,
  TCP_ACK,
  TCP_SYN,
} from './frame-values.js'
import { matchIfIn, mustBeIn, mustEqual, mustNotEqual } from './frame-requirements.js'
import { match } from './verdicts.js'

/** Which ports of the host a container may open, when not all of them. */
export interface HostAccess {
  /** Ports of host services that containers may use. */
  readonly services: PortRanges
  /** All ports given to containers. */
  readonly managed: PortRanges
  /** The host's own ephemeral ports: what its clients wait at for answers. */
  readonly hostEphemeral: PortRanges
}

/**
 * Ports of containers are theirs at the addresses that containers have, and the host's at its others. To the host's ephemeral ports only answers to its clients may go. What
 * opens a connection is no answer: TCP's SYN, SCTP's INIT, DCCP's Request. UDP has no such packet and stays open, for
 * the answers of servers in containers; UDP-Lite has none either and is closed, since nobody's clients use it.
 *
 * @param toContainers runs a block for packets to the addresses that containers have
 */
export function onlyToAllowedPorts(
  { services, managed, hostEphemeral }: HostAccess,
  { protocol, destinationPort, tcpFlags, sctpFirstChunk, dccpType }: PortFields,
  toContainers: (block: Block) => Block,
): Block {
  return sequence(
    toContainers(halfAt(destinationPort, matchIfIn(managed))),
    halfAt(destinationPort, matchIfIn(services), mustBeIn(hostEphemeral)),
    byteAt(
      protocol,
      when(equal(IPPROTO_TCP), byteAt(tcpFlags, mask(TCP_SYN | TCP_ACK), mustNotEqual(TCP_SYN), match)),
      when(equal(IPPROTO_SCTP), byteAt(sctpFirstChunk, mustNotEqual(SCTP_CID_INIT), match)),
      when(
        equal(IPPROTO_DCCP),
        byteAt(dccpType, mask(DCCP_TYPE_MASK), mustNotEqual(DCCP_PKT_REQUEST), match),
      ),
      mustEqual(IPPROTO_UDP),
    ),
  )
}
