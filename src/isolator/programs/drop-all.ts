import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { drop } from './verdicts.js'

/**
 * DROP, direct action, the last filter on a container's veth: drops every frame of every protocol. It loads nothing,
 * so that no frame is too short for it; u32's `match u32 0 0` lets frames of under 4 bytes pass.
 */
export const dropAll: Program = assemble(drop)
