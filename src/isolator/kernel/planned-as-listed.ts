import { Writer } from '../../netlink/codec/index.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import { filter, type Filter } from '../../tc/index.js'
import { withoutRootTable } from '../layout/filter-places.js'
import type { Planned } from '../plan/planned.js'

/** The object that a planned message makes, as a dump would show it. */
export function asListed(planned: Planned, devices: DeviceNames): unknown {
  const { type, body } = planned.request(devices)
  const writer = new Writer()
  type.body.put(writer, body)
  const bytes = writer.bytes().slice()
  return planned.object.fromBody(type.body.get(new DataView(bytes.buffer), 0, bytes.length), devices)
}

/** A filter as a command line, by which a planned one and a listed one are the same or not. */
export const lineOf = (object: Filter): string => filter.command('add', withoutRootTable(object))

/** Whether a filter does what is planned. Most plans print the same command as what is listed; the others do once the plan is written as a dump would list it. */
export function isAsPlanned(found: Filter, planned: Planned, devices: DeviceNames): boolean {
  const line = lineOf(found)
  return line === planned.command() || line === lineOf(asListed(planned, devices) as Filter)
}
