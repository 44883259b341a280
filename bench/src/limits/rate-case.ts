import { NetworkNamespace, RtnetlinkSocket } from '../../../lib/index.js'
import { HOST_IP, REMOTE_IP, WIRE, type NamespaceRef } from '../../../test/helpers/topology.js'
import { IsolatedHost } from './isolated-host.js'
import { FRAME, PAYLOAD, runStream, type Protocol } from './traffic.js'

/** One stream through one limit. */
export interface RateCase {
  readonly direction: 'egress' | 'ingress'
  readonly protocol: Protocol
  /** Megabits per second. */
  readonly rate: number
  readonly bloatReduction: 'fq_codel' | 'none'
  /** net.ipv4.tcp_ecn of all three namespaces. */
  readonly ecn: 0 | 1
}

export interface RateResult extends RateCase {
  /** Megabits of payload per second. */
  readonly goodput: number
  /** Megabits of frames per second, which is what HTB counts. */
  readonly onWire: number
  readonly drops: number
  readonly marks: number
  readonly retransmissions: number
}

/** UDP is sent a tenth faster than it may, so that the queue is never empty. */
const EXCESS = 1.1

const BYTES_PER_MEGABIT = 125_000

export async function runRateCase(wanted: RateCase, seconds: number): Promise<RateResult> {
  const { direction, protocol, rate, bloatReduction, ecn } = wanted
  const limit = rate * BYTES_PER_MEGABIT
  const options = { [`${direction}RateLimitPerContainer`]: limit, bloatReduction }
  await using scene = await IsolatedHost.create(1, options, async ({ host, remote }) => {
    for (const namespace of [host, remote]) await setEcn(namespace, ecn)
  })
  const { remote, host } = scene.topology
  const container = await scene.isolate(0)
  const egress = direction === 'egress'
  const { goodput, retransmissions } = await runStream({
    protocol,
    from: egress ? container : remote,
    to: egress ? remote : container,
    address: egress ? REMOTE_IP : HOST_IP,
    port: container.port,
    seconds,
    ...(protocol === 'udp' && { pace: limit * EXCESS }),
  })
  const queue = egress ? await queueOf(container, WIRE) : await queueOf(host, container.link)
  return {
    ...wanted,
    goodput: goodput / BYTES_PER_MEGABIT,
    onWire: (goodput * FRAME) / PAYLOAD[protocol] / BYTES_PER_MEGABIT,
    ...queue,
    retransmissions,
  }
}

async function setEcn({ path }: NamespaceRef, value: number): Promise<void> {
  await using netns = NetworkNamespace.open(path)
  await netns.writeSysctl('net.ipv4.tcp_ecn', String(value))
}

/** What the queue below the limit dropped and marked. */
async function queueOf({ path }: NamespaceRef, dev: string): Promise<{ drops: number; marks: number }> {
  await using rt = await RtnetlinkSocket.open({ netns: path })
  const qdiscs = await rt.qdiscs.list({ dev })
  const queue = qdiscs.find(({ kind }) => kind === 'fq_codel') ?? qdiscs.find(({ kind }) => kind === 'htb')
  if (!queue) throw new Error(`${dev} has no limit`)
  const marks = queue.kind === 'fq_codel' ? (queue.statistics.app?.ecnMark ?? 0) : 0
  return { drops: queue.statistics.drops, marks }
}
