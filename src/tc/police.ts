import type { Uncarried } from '../netlink/uncarried.js'
import { takeApart } from './actions/raw.js'

/** What a filter has of a policer as it was before there were actions (TCA_U32_POLICE, TCA_BPF_POLICE, …). */
export interface Policed {
  police?: Uint8Array
}

/**
 * A listed policer without its number: a copy would share whatever has the number. One that filters share is not carried,
 * since its copy would be another policer, and neither are bytes of which it is not known where the number is.
 */
export function policeFields(name: string, bytes: Uint8Array | undefined): Policed & Uncarried {
  if (bytes === undefined) return {}
  const parts = takeApart('police', bytes)
  return parts && (parts.parms?.refcnt ?? 0) <= 1
    ? { police: parts.options }
    : { uncarried: [`TCA_OPTIONS.${name}`] }
}
