import { filter as filterObject } from '../../../src/tc/index.js'
import { RequestBuffer } from '../../../src/netlink/request-buffer.js'
import { newRequest } from '../../../src/rtnetlink-verbs.js'
import { filterSpec } from './filter-spec.js'
import type { Filter, Workload } from './workload.js'

/** Specs of filters name devices by index, so no name is ever looked up. */
const noNames = { interfaceIndex: () => 0, interfaceName: () => undefined }

/** The messages by which rtnetlink installs filters, one for each, none of which asks for an acknowledgement. */
export function encodedFilters(workload: Workload, filters: readonly Filter[]): Uint8Array[] {
  const buffer = new RequestBuffer(1)
  for (const filter of filters)
    buffer.add(newRequest(filterObject, 'add', filterSpec(workload, filter), noNames))
  return filters.map((_, index) => buffer.message(index))
}
