import type { SnmpCounters, SnmpStatistics } from './resource-statistics.js'

/** The counters of mesos.proto. What newer kernels add has no field there. */
const FIELDS = {
  ip_stats: [
    'Ip',
    'Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers ' +
      'OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates',
  ],
  icmp_stats: [
    'Icmp',
    'InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps ' +
      'InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds ' +
      'OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks ' +
      'OutAddrMaskReps',
  ],
  tcp_stats: [
    'Tcp',
    'RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs ' +
      'RetransSegs InErrs OutRsts InCsumErrors',
  ],
  udp_stats: [
    'Udp',
    'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti',
  ],
} as const satisfies Partial<Record<keyof SnmpStatistics, readonly [protocol: string, fields: string]>>

/**
 * Reads /proc/net/snmp: a line of names and a line of values for each protocol, both beginning with its name
 * (snmp_seq_show in net/ipv4/proc.c).
 */
export function parseSnmp(text: string): SnmpStatistics<bigint> {
  const protocols = counters(text)
  return Object.fromEntries(
    Object.entries(FIELDS).flatMap(([key, [protocol, fields]]) => {
      const found = protocols.get(protocol)
      return found ? [[key, pick(found, fields.split(' '))]] : []
    }),
  )
}

/** Protocol, name, value. */
function counters(text: string): Map<string, Map<string, bigint>> {
  const lines = text.split('\n').map(line => line.split(' '))
  const protocols = new Map<string, Map<string, bigint>>()
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [[protocol = '', ...names] = [], [again, ...values] = []] = lines.slice(i, i + 2)
    if (protocol !== again || names.length !== values.length)
      throw new Error(`/proc/net/snmp: the names and values of '${protocol}' do not belong together`)
    protocols.set(
      protocol.replace(':', ''),
      new Map(names.map((name, column) => [name, BigInt(values[column] ?? 0)])),
    )
  }
  return protocols
}

const pick = (found: ReadonlyMap<string, bigint>, names: readonly string[]): SnmpCounters<bigint> =>
  Object.fromEntries(
    names.flatMap(name => {
      const value = found.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** The counters of IPv6 that have no twin in /proc/net/snmp: TCP is counted there for both families. */
const PROTOCOLS6 = { ip6_stats: 'Ip6', icmp6_stats: 'Icmp6', udp6_stats: 'Udp6' } as const

/** A counter of one ICMPv6 type by its number, `InType133`: the types that matter have names. */
const BY_TYPE = /^(In|Out)Type\d+$/

/** Reads /proc/net/snmp6: a line for each counter, its protocol and its name in one word (snmp6_seq_show in net/ipv6/proc.c). */
export function parseSnmp6(text: string): SnmpStatistics<bigint> {
  const found: Partial<Record<keyof typeof PROTOCOLS6, SnmpCounters<bigint>>> = {}
  for (const line of text.split('\n')) {
    const [word = '', value] = line.split(/\s+/)
    for (const [key, protocol] of Object.entries(PROTOCOLS6)) {
      const name = word.slice(protocol.length)
      if (value === undefined || !word.startsWith(protocol) || BY_TYPE.test(name)) continue
      ;(found[key as keyof typeof PROTOCOLS6] ??= {})[name] = BigInt(value)
    }
  }
  return found
}
