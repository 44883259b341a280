import { RtnetlinkSocket } from '../../../lib/index.js'
import { HOST_IP, REMOTE_IP, WIRE, type NamespaceRef } from '../../../test/helpers/topology.js'
import { compile } from '../compile.js'
import { output } from '../output.js'
import { IsolatedHost } from './isolated-host.js'
import { ping, type Pings } from './ping.js'
import { runStream } from './traffic.js'

/** Where the limit stands; `'none'`: there is none. */
export type Enforcement = 'container' | 'host' | 'none'

const BYTES_PER_MEGABIT = 125_000

const optionsOf = (egressEnforcement: Enforcement, rate: number) =>
  egressEnforcement === 'none'
    ? {}
    : ({
        egressEnforcement,
        egressRateLimitPerContainer: rate * BYTES_PER_MEGABIT,
        bloatReduction: 'none',
      } as const)

/** Megabits of TCP payload per second from a container that tampered with its own limit. */
export interface Tampered {
  readonly enforcement: Enforcement
  readonly toWire: number
  readonly toContainer: number
  readonly toHost: number
  /** To the wire, once it has another MAC and another address as well. */
  readonly disguised: number
}

/** A container deletes its own limit, and then takes another MAC and another address. */
export async function runTampered(
  enforcement: Enforcement,
  rate: number,
  seconds: number,
): Promise<Tampered> {
  await using scene = await IsolatedHost.create(2, optionsOf(enforcement, rate))
  const [from, other] = [await scene.isolate(0), await scene.isolate(1)]
  const { remote, host } = scene.topology
  await inside(from, rt => rt.qdiscs.delete({ dev: WIRE, parent: 'root' }))
  const goodput = async (to: NamespaceRef, address: string, port: number): Promise<number> => {
    const stream = { protocol: 'tcp', from, to, address, port, seconds } as const
    return (await runStream(stream)).goodput / BYTES_PER_MEGABIT
  }
  const honest = {
    enforcement,
    toWire: await goodput(remote, REMOTE_IP, 5000),
    toContainer: await goodput(other, HOST_IP, other.port),
    toHost: await goodput(host, HOST_IP, 5000),
  }
  await inside(from, async rt => {
    await rt.links.change({ dev: WIRE, address: '02:00:00:00:00:99' })
    await rt.addresses.delete({ dev: WIRE, address: HOST_IP, prefixLength: 24 })
    await rt.addresses.add({ dev: WIRE, address: '10.9.0.99', prefixLength: 24 })
  })
  return { ...honest, disguised: await arrivals(from, remote, seconds) }
}

/** Megabits per second that arrive of a flood, which waits for nobody. */
async function arrivals(from: NamespaceRef, remote: NamespaceRef, seconds: number): Promise<number> {
  const { packets } = await flood(from, remote, seconds)
  return (packets * 60 * 8) / 1e6 / seconds
}

/** A flood of tiny packets beside a neighbour that pings. */
export interface Flooded {
  readonly enforcement: Enforcement
  /** Packets per second that passed. */
  readonly passed: number
  readonly neighbour: Pings
}

export async function runFlood(enforcement: Enforcement, rate: number, seconds: number): Promise<Flooded> {
  await using scene = await IsolatedHost.create(2, optionsOf(enforcement, rate))
  const [from, neighbour] = [await scene.isolate(0), await scene.isolate(1)]
  const { remote } = scene.topology
  const flooding = flood(from, remote, seconds)
  const pings = await ping(neighbour, REMOTE_IP, seconds - 1)
  return { enforcement, passed: (await flooding).packets / seconds, neighbour: pings }
}

/** The latency of the neighbour when nobody floods. */
export async function runQuiet(seconds: number): Promise<Pings> {
  await using scene = await IsolatedHost.create(1, {})
  return await ping(await scene.isolate(0), REMOTE_IP, seconds)
}

async function flood(
  from: NamespaceRef & { port?: number },
  remote: NamespaceRef,
  seconds: number,
): Promise<{ packets: number }> {
  const tool = await compile('flood')
  const before = await received(remote)
  await output(tool, [from.path, REMOTE_IP, String(from.port ?? 0), '9', String(seconds)])
  return { packets: (await received(remote)) - before }
}

const received = (remote: NamespaceRef): Promise<number> =>
  inside(remote, async rt => Number((await rt.links.get(WIRE)).statistics?.rxPackets ?? 0n))

async function inside<T>({ path }: NamespaceRef, work: (rt: RtnetlinkSocket) => Promise<T>): Promise<T> {
  await using rt = await RtnetlinkSocket.open({ netns: path })
  return await work(rt)
}
