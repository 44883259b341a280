import { setTimeout as sleep } from 'node:timers/promises'
import { RtnetlinkSocket, type Filter, type U32Key } from '../../../lib/index.js'
import type { Workload } from './workload.js'

const DEVICE = 'bench0'
const TARGET = 'bench1'

/** The kernel frees the filters of a qdisc that was removed in the background; that must not fall into a measurement. */
const SETTLE_MS = 40

/** A pair of veths in the network namespace of this process, and an ingress qdisc that is made anew for each run. */
export class Scene implements AsyncDisposable {
  readonly workload: Workload
  readonly #rt: RtnetlinkSocket

  private constructor(rt: RtnetlinkSocket, workload: Workload) {
    this.#rt = rt
    this.workload = workload
  }

  static async create(): Promise<Scene> {
    const rt = await RtnetlinkSocket.open()
    await rt.links.add({ name: DEVICE, kind: 'veth', peer: { name: TARGET } })
    await rt.qdiscs.add({ dev: DEVICE, kind: 'ingress' })
    const indexOf = (name: string): number => rt.devices.interfaceIndex(name)
    return new Scene(rt, {
      device: DEVICE,
      ifindex: indexOf(DEVICE),
      target: TARGET,
      targetIndex: indexOf(TARGET),
    })
  }

  /** Leaves no filter. */
  async clear(): Promise<void> {
    await this.#rt.qdiscs.delete({ dev: DEVICE, kind: 'ingress' })
    await sleep(SETTLE_MS)
    await this.#rt.qdiscs.add({ dev: DEVICE, kind: 'ingress' })
  }

  /** What is installed, as text that is equal for filters that do the same. */
  async state(): Promise<string> {
    const filters = await this.#rt.filters.list({ dev: DEVICE, parent: 'ingress' })
    return filters
      .flatMap(filter => (filter.kind === 'u32' && filter.divisor === undefined ? [nodeText(filter)] : []))
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rt.links.delete(DEVICE)
    this.#rt.close()
  }
}

/** Leaves out what differs from run to run: the table's number, statistics and the number of the action. */
function nodeText({ priority, handle, keys = [], actions = [] }: Filter & { kind: 'u32' }): string {
  const node = handle.split(':').at(-1)
  const redirects = actions.map(action =>
    action.kind === 'mirred' ? `${action.operation} ${action.dev}` : action.kind,
  )
  return [priority, node, ...matchedBytes(keys), ...redirects].join(' ')
}

/** Byte by byte, because the same port can be a word at 20 or, as pyroute2 has it, at 22. */
const matchedBytes = (keys: readonly U32Key[]): string[] =>
  keys.flatMap(({ at, value, mask }) =>
    [24, 16, 8, 0].flatMap((shift, i) => {
      const bits = (mask >>> shift) & 0xff
      return bits === 0 ? [] : [`${at + i}:${(value >>> shift) & bits}/${bits}`]
    }),
  )
