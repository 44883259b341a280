import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { match } from './verdicts.js'

/** MATCH, a classifier that takes every frame, however short. It loads nothing either, as DROP. */
export const matchAll: Program = assemble(match)
