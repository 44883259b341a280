import type { Test } from 'tap'
import type { ContainerInfo } from '../../src/isolator/container/info.js'
import { allPorts } from '../../src/isolator/plan/facts.js'
import { PortRanges, type PortRange } from '../../src/isolator/ports/port-ranges.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { HOST, PortOracle, type Variant } from '../helpers/port-oracle.js'
import type { IsolatedContainer, IsolatedTopology } from './isolated-topology.js'

/** RTNETLINK_SEED repeats a run. */
export const SEED = Number(process.env['RTNETLINK_SEED'] ?? Date.now() % 1e9)

const FIRST = 1024
const EPHEMERAL = [52_000, 63_999] as const

/** Nearly all ports are the containers', of which there may be 214. */
export const NEARLY_ALL_PORTS = {
  ports: [[FIRST, EPHEMERAL[0] - 1]],
  ephemeralPorts: [EPHEMERAL],
  ephemeralPortsPerContainer: 56,
  hostEphemeralPorts: '64000 65535',
} as const

/** mulberry32: the same numbers for the same seed, from 0 to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Disjoint ports for each container, one to three ranges, none aligned: sizes from 1 to 4096, small ones as likely as large. */
function randomPorts(random: () => number, containers: number): PortRange[][] {
  const below = (end: number): number => Math.floor(random() * end)
  const ports: PortRange[][] = Array.from({ length: containers }, () => [])
  let next = FIRST
  for (;;) {
    const size = Math.round(2 ** (random() * 12))
    const begin = next + below(3) * below(20)
    const end = begin + size - 1
    if (end >= EPHEMERAL[0]) return ports
    ports[below(containers)]?.push([begin, end])
    next = end + 1
  }
}

function ownersOf(containers: readonly { info: ContainerInfo }[]): Uint16Array {
  const owners = new Uint16Array(65_536).fill(HOST)
  containers.forEach(({ info }, i) => {
    for (const [begin, end] of allPorts({
      ports: PortRanges.from(info.ports),
      ephemeralPorts: info.ephemeralPorts,
    })) {
      owners.fill(i, begin, end + 1)
    }
  })
  return owners
}

/**
 * Gives each namespace of a topology random ports and sends every variant to every port: each frame arrives once, at whoever has the
 * port. Then removes every second container and sends all of it again.
 */
export async function everyPortArrives(
  t: Test,
  { topology, remote, host, isolator }: IsolatedTopology,
  /** Sent to whoever has the port, and to the host whoever has it. */
  { toOwner, toHost = [] }: { toOwner: readonly Variant[]; toHost?: readonly Variant[] },
): Promise<void> {
  const count = topology.containers.length
  const wanted = randomPorts(randomNumbers(SEED), count)
  const began = performance.now()
  const containers: IsolatedContainer[] = []
  for (const [i, namespace] of topology.containers.entries()) {
    const info = await isolator.isolate(`c${i}`, { netns: namespace.name, ports: wanted[i] ?? [] })
    containers.push({ ...namespace, info })
  }
  const ranges = wanted.reduce((sum, ports) => sum + ports.length, count)
  t.comment(`${count} containers with ${ranges} ranges in ${(performance.now() - began).toFixed()} ms`)

  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const arrive = async (name: string, containers: readonly IsolatedContainer[]): Promise<void> => {
    await using oracle = await PortOracle.open(tool, { remote, host, containers: [...containers] })
    const start = performance.now()
    const verdicts = [
      ...(await oracle.checkAll(toOwner, ownersOf(containers))),
      ...(await oracle.checkAll(toHost, ownersOf([]))),
    ]
    t.comment(`${name}: ${65_536 * verdicts.length} frames in ${(performance.now() - start).toFixed()} ms`)
    for (const verdict of verdicts) {
      t.match(
        verdict,
        { sent: 65_536, delivered: 65_536, wrong: 0, duplicates: 0, lost: 0, examples: [] },
        `${name}: ${verdict.variant}`,
      )
    }
  }

  await arrive('all', containers)
  const [gone, staying] = [0, 1].map(rest => containers.filter((_, i) => i % 2 === rest)) as [
    IsolatedContainer[],
    IsolatedContainer[],
  ]
  for (const { info } of gone) t.ok(await isolator.cleanup(info.id))
  await arrive('half of them cleaned up', staying)
}
