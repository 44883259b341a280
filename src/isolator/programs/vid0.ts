import { ancillary, equal, mask, unless } from '../../tc/classic-bpf/blocks.js'
import { SKF_AD_VLAN_TAG } from '../../tc/classic-bpf/instruction.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { VLAN_VID_MASK } from './frame-values.js'
import { intoHost, nextFilter } from './verdicts.js'

/**
 * VID0, direct action on the public interface for tagged frames: a real VLAN is the host's business, a priority tag
 * (VID 0, IEEE 802.1Q) goes on to filters that treat the frame like an untagged one.
 */
export const vid0: Program = assemble(
  ancillary(SKF_AD_VLAN_TAG, mask(VLAN_VID_MASK), unless(equal(0), intoHost)),
  nextFilter,
)
