import t from 'tap'
import { parseSnmp, parseSnmp6 } from '../../../src/isolator/statistics/snmp.js'

/** Of Linux 6.18, with traffic; counters without a field in mesos.proto are in it. */
const LINUX_6_18 = `Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits
Ip: 2 64 5888 0 0 0 0 0 5888 4473 0 0 0 0 0 0 0 0 0 4473
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps
Icmp: 1 0 0 1 0 0 0 0 0 0 0 0 0 0 7 0 0 0 7 0 0 0 0 0 0 0 0 0 0
IcmpMsg: InType3 OutType3
IcmpMsg: 1 7
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 32 2 0 0 0 5830 4416 18446744073709551615 0 42 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 57 3 0 58 0 0 0 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 9 9 9 9 9 9 9 9 9
`

t.test('the counters of mesos.proto, by its names', async t => {
  const { ip_stats, icmp_stats, tcp_stats, udp_stats } = parseSnmp(LINUX_6_18)
  t.match(ip_stats, {
    Forwarding: 2n,
    DefaultTTL: 64n,
    InReceives: 5888n,
    OutRequests: 4473n,
    FragCreates: 0n,
  })
  t.equal(Object.keys(ip_stats!).length, 19)
  t.notOk('OutTransmits' in ip_stats!, 'what mesos.proto has no field for is left out')
  t.match(icmp_stats, {
    InMsgs: 1n,
    InDestUnreachs: 1n,
    OutMsgs: 7n,
    OutDestUnreachs: 7n,
    OutAddrMaskReps: 0n,
  })
  t.equal(Object.keys(icmp_stats!).length, 27)
  t.match(tcp_stats, { MaxConn: -1n, ActiveOpens: 32n, OutRsts: 42n, RetransSegs: 2n ** 64n - 1n })
  t.equal(Object.keys(tcp_stats!).length, 15)
  t.strictSame(udp_stats, {
    ...{ InDatagrams: 57n, NoPorts: 3n, InErrors: 0n, OutDatagrams: 58n },
    ...{ RcvbufErrors: 0n, SndbufErrors: 0n, InCsumErrors: 0n, IgnoredMulti: 0n },
  })
})

t.test('what an older kernel does not count is not there', async t => {
  const old = 'Udp: InDatagrams NoPorts InErrors OutDatagrams\nUdp: 5 0 0 4\n'
  t.strictSame(parseSnmp(old), {
    udp_stats: { InDatagrams: 5n, NoPorts: 0n, InErrors: 0n, OutDatagrams: 4n },
  })
  t.strictSame(parseSnmp(''), {})
})

t.test('lines that do not belong together are refused', async t => {
  t.throws(() => parseSnmp('Udp: InDatagrams NoPorts\nUdp: 5\n'), { message: /'Udp:'/ })
  t.throws(() => parseSnmp('Udp: InDatagrams\nTcp: 5\n'), { message: /'Udp:'/ })
})

/** Of Linux 6.18, cut short. */
const SNMP6 = `Ip6InReceives                   \t2
Ip6OutRequests                  \t18446744073709551615
Ip6InECT0Pkts                   \t0
Icmp6InMsgs                     \t2
Icmp6OutMLDv2Reports            \t4
Icmp6InType1                    \t2
Icmp6OutType135                 \t5
Udp6InDatagrams                 \t7
UdpLite6InDatagrams             \t9
`

t.test('the counters of IPv6, which have names of their own', async t => {
  t.strictSame(parseSnmp6(SNMP6), {
    ip6_stats: { InReceives: 2n, OutRequests: 2n ** 64n - 1n, InECT0Pkts: 0n },
    icmp6_stats: { InMsgs: 2n, OutMLDv2Reports: 4n },
    udp6_stats: { InDatagrams: 7n },
  })
  t.strictSame(parseSnmp6(''), {})
})
