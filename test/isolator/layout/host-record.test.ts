import t from 'tap'
import {
  formatHostRecord,
  parseHostRecord,
  type HostRecord,
} from '../../../src/isolator/layout/host-record.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'

t.test('a record is read back, whatever the interfaces are called', async t => {
  for (const qdiscs of [[], ['lo'], ['lo', 'eth0'], ['a,b', 'c=d=e'], ['x'.repeat(15), 'y'.repeat(15)]]) {
    const record: HostRecord = {
      ...{ mtu: 65_536, qdiscs, backlog: 1000 },
      reserved: PortRanges.from('31000-32000,32768-57344'),
      sysctls: { accept_local: 0, route_localnet: 1 },
    }
    const read = parseHostRecord(formatHostRecord(record), 'lo')
    t.strictSame(
      { ...read, reserved: read?.reserved.toString() },
      { ...record, reserved: '31000-32000,32768-57344' },
    )
  }
  const record = { mtu: 1, qdiscs: ['lo'], reserved: PortRanges.empty, sysctls: {}, down: 'bare' } as const
  const inet6 = Array.from({ length: 20 }, (_, i) => `2001:db8::${i}/128`)
  const read = parseHostRecord(formatHostRecord({ ...record, inet6 }), 'lo')
  t.ok(Buffer.byteLength(formatHostRecord({ ...record, inet6 })) <= 255)
  t.equal(read?.down, 'bare')
  t.strictSame(read?.inet6, inet6.slice(0, read?.inet6?.length), 'as many addresses as there is room for')
  t.ok((read?.inet6?.length ?? 0) > 5)
  t.throws(() => parseHostRecord('uplink', 'lo'), { code: 'ERR_FOREIGN_STATE' })
  t.equal(parseHostRecord('', 'lo'), undefined)
})
