import { byteAt, halfAt } from '../../tc/classic-bpf/blocks.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { ETH_TYPE, IPV4_PROTOCOL } from './frame-offsets.js'
import { mustEqual } from './frame-requirements.js'
import { match } from './verdicts.js'

/** A classifier of frames of one EtherType, and of one protocol behind an IPv4 header, with a priority tag or without. */
export const ofProtocol = (etherType: number, ipProtocol?: number): Program =>
  assemble(
    halfAt(ETH_TYPE, mustEqual(etherType)),
    ipProtocol === undefined ? [] : byteAt(IPV4_PROTOCOL, mustEqual(ipProtocol)),
    match,
  )
