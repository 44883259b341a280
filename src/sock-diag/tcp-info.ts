import { littleEndian } from '../netlink/codec/byte-order.js'
import { struct, u16, u32, u64, u8, type Codec, type Infer, type InferInput } from '../netlink/codec/index.js'
import { named } from '../netlink/codec/named.js'
import { socketStates } from './socket-states.js'

/**
 * struct tcp_info, linux/tcp.h, as of Linux 6.7. Times are in microseconds, `last…` and `totalRtoTime` in milliseconds;
 * rates are bytes per second. What a kernel does not know yet is zero; what a newer one appends is in `surplus`. C's
 * bit-fields share the members `wscales` and `deliveryFlags`.
 */
export const tcpInfoStruct = struct({
  state: named(u8, socketStates),
  caState: u8,
  retransmits: u8,
  probes: u8,
  backoff: u8,
  options: u8,
  wscales: u8,
  deliveryFlags: u8,
  rto: u32,
  ato: u32,
  sndMss: u32,
  rcvMss: u32,
  unacked: u32,
  sacked: u32,
  lost: u32,
  retrans: u32,
  fackets: u32,
  lastDataSent: u32,
  lastAckSent: u32,
  lastDataRecv: u32,
  lastAckRecv: u32,
  pmtu: u32,
  rcvSsthresh: u32,
  rtt: u32,
  rttvar: u32,
  sndSsthresh: u32,
  sndCwnd: u32,
  advmss: u32,
  reordering: u32,
  rcvRtt: u32,
  rcvSpace: u32,
  totalRetrans: u32,
  pacingRate: u64,
  maxPacingRate: u64,
  bytesAcked: u64,
  bytesReceived: u64,
  segsOut: u32,
  segsIn: u32,
  notsentBytes: u32,
  minRtt: u32,
  dataSegsIn: u32,
  dataSegsOut: u32,
  deliveryRate: u64,
  busyTime: u64,
  rwndLimited: u64,
  sndbufLimited: u64,
  delivered: u32,
  deliveredCe: u32,
  bytesSent: u64,
  bytesRetrans: u64,
  dsackDups: u32,
  reordSeen: u32,
  rcvOoopack: u32,
  sndWnd: u32,
  rcvWnd: u32,
  rehash: u32,
  totalRto: u16,
  totalRtoRecoveries: u16,
  totalRtoTime: u32,
})

type Plain = Omit<Infer<typeof tcpInfoStruct>, 'wscales' | 'deliveryFlags'>

/** What the kernel knows of a TCP connection. */
export interface TcpInfo extends Plain {
  sndWscale: number
  rcvWscale: number
  deliveryRateAppLimited: boolean
  /** TCP_FASTOPEN_CLIENT_FAIL: why fast open was not used. */
  fastopenClientFail: number
}

type TcpInfoInput = Omit<InferInput<typeof tcpInfoStruct>, 'wscales' | 'deliveryFlags'> &
  Partial<Pick<TcpInfo, 'sndWscale' | 'rcvWscale' | 'deliveryRateAppLimited' | 'fastopenClientFail'>>

/** A bit-field in a byte: compilers fill bytes from the low end where the CPU is little-endian. */
interface BitField {
  shift: number
  width: number
}

const bitField = (at: number, width: number): BitField => ({
  shift: littleEndian ? at : 8 - at - width,
  width,
})
const SND_WSCALE = bitField(0, 4)
const RCV_WSCALE = bitField(4, 4)
const APP_LIMITED = bitField(0, 1)
const FASTOPEN_CLIENT_FAIL = bitField(1, 2)

const bitsIn = (byte: number, { shift, width }: BitField): number => (byte >> shift) & ((1 << width) - 1)
const bitsOf = (value: number, { shift, width }: BitField): number => (value & ((1 << width) - 1)) << shift

/** INET_DIAG_INFO of a TCP socket. */
export const tcpInfo: Codec<TcpInfo, TcpInfoInput> = {
  parts: [tcpInfoStruct],
  put(
    writer,
    { sndWscale = 0, rcvWscale = 0, deliveryRateAppLimited = false, fastopenClientFail = 0, ...plain },
  ) {
    tcpInfoStruct.put(writer, {
      ...plain,
      wscales: bitsOf(sndWscale, SND_WSCALE) | bitsOf(rcvWscale, RCV_WSCALE),
      deliveryFlags:
        bitsOf(Number(deliveryRateAppLimited), APP_LIMITED) |
        bitsOf(fastopenClientFail, FASTOPEN_CLIENT_FAIL),
    })
  },
  get(view, at, end) {
    const { wscales, deliveryFlags, ...plain } = tcpInfoStruct.get(view, at, end)
    return {
      ...plain,
      sndWscale: bitsIn(wscales, SND_WSCALE),
      rcvWscale: bitsIn(wscales, RCV_WSCALE),
      deliveryRateAppLimited: bitsIn(deliveryFlags, APP_LIMITED) !== 0,
      fastopenClientFail: bitsIn(deliveryFlags, FASTOPEN_CLIENT_FAIL),
    }
  },
}
