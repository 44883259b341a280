import { endianness } from 'node:os'
import t from 'tap'
import { tcpInfo, tcpInfoStruct } from '../../src/sock-diag/tcp-info.js'
import { decoded, encoded } from '../helpers/coding.js'
import { bytes, u32, u64 } from '../helpers/netlink-bytes.js'

/** The two bytes of bit-fields: send window scale 10, receive 7; application limited, fast open failed with 2. */
const bitFields = endianness() === 'LE' ? '7a 05' : 'a7 c0'

const info = bytes(
  '01 04 02 03 05 07',
  bitFields,
  ...Array.from({ length: 24 }, (_, i) => u32(100 + i)),
  ...Array.from({ length: 4 }, (_, i) => u64(200n + BigInt(i))),
)

t.test('an old kernel tells less', async t => {
  const told = decoded(tcpInfo, info)
  t.match(told, {
    state: 'established',
    caState: 4,
    retransmits: 2,
    probes: 3,
    backoff: 5,
    options: 7,
    sndWscale: 10,
    rcvWscale: 7,
    deliveryRateAppLimited: true,
    fastopenClientFail: 2,
    rto: 100,
    totalRetrans: 123,
    pacingRate: 200n,
    bytesReceived: 203n,
    segsOut: 0,
    bytesSent: 0n,
    totalRtoTime: 0,
  })
  t.notOk('surplus' in told)
  t.equal(decoded(tcpInfo, info.subarray(0, 8)).rto, 0)
  t.equal(decoded(tcpInfo, new Uint8Array(0)).state, 0)
})

t.test('a new kernel tells more', async t => {
  const whole = bytes(info, Buffer.alloc(tcpInfoStruct.size - info.length), u32(7))
  const told = decoded(tcpInfo, whole)
  t.same(told.surplus, bytes(u32(7)))
  t.same(encoded(tcpInfo, told), whole, 'and nothing is lost')
})

t.test('what is not given is zero', async t => {
  t.same(encoded(tcpInfo, {}), Buffer.alloc(tcpInfoStruct.size))
})
