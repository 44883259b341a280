import { RtnetlinkSocket } from '../../../lib/index.js'
import { REMOTE_IP, WIRE } from '../../../test/helpers/topology.js'
import { IsolatedHost } from './isolated-host.js'
import { ping, type Pings } from './ping.js'
import { runStream } from './traffic.js'

/** What is below the class that all traffic of the host goes through. */
export type Queue = 'pfifo' | 'fq_codel' | 'unique flows'

export interface Fairness {
  readonly queue: Queue
  readonly ping: Pings
  /** Megabits of payload per second of the two flooders. */
  readonly goodput: readonly number[]
}

/** Megabits per second. */
export const UPLINK = 20

const BYTES_PER_MEGABIT = 125_000
const CLASS = '1:10'
/** TCP connections of each flooder: who opens more is not to get more. */
const CONNECTIONS = [4, 1]

/** Two containers flood through an HTB class, while a third one pings. */
export async function runFairness(queue: Queue, seconds: number): Promise<Fairness> {
  const options =
    queue === 'unique flows' ? { egressUniqueFlowPerContainer: true, egressFlowClassifierParent: CLASS } : {}
  await using scene = await IsolatedHost.create(3, options, ({ host }) => makeUplink(host.path, queue))
  const { remote } = scene.topology
  const [flooder1, flooder2, pinger] = [
    await scene.isolate(0),
    await scene.isolate(1),
    await scene.isolate(2),
  ]
  const flood = [flooder1, flooder2].map(async (from, i) => {
    const streams = Array.from({ length: CONNECTIONS[i] ?? 1 }, (_, k) =>
      runStream({ protocol: 'tcp', from, to: remote, address: REMOTE_IP, port: 5000 + 10 * i + k, seconds }),
    )
    const arrived = await Promise.all(streams)
    return arrived.reduce((sum, { goodput }) => sum + goodput, 0) / BYTES_PER_MEGABIT
  })
  const pings = await ping(pinger, REMOTE_IP, seconds - 1)
  return { queue, ping: pings, goodput: await Promise.all(flood) }
}

/** The host's own HTB with one class for everything; under it nothing yet, which is a pfifo, or a plain fq_codel. */
async function makeUplink(netns: string, queue: Queue): Promise<void> {
  await using rt = await RtnetlinkSocket.open({ netns })
  await rt.qdiscs.add({ dev: WIRE, parent: 'root', handle: '1:', kind: 'htb', defaultClass: 0x10 })
  await rt.classes.add({
    ...{ dev: WIRE, parent: '1:', classid: CLASS, kind: 'htb' },
    ...{ rate: UPLINK * BYTES_PER_MEGABIT, burst: 15_000, cburst: 15_000 },
  })
  if (queue === 'fq_codel') await rt.qdiscs.add({ dev: WIRE, parent: CLASS, handle: '20:', kind: 'fq_codel' })
}
