import type { RtnetlinkChange } from '../rtnetlink-monitor.js'
import type { HostContext } from './host-context.js'
import { slotOfLink } from './layout.js'

/** Who is told what a watch sees. */
export interface HostWatcher {
  /** The veth of a slot has gone. */
  linkGone(slot: number): void
  /** One of the host's interfaces is not what it was: up or down, MAC, MTU, addresses. */
  hostChanged(): void
  failed(error: Error): void
}

/** Watches the links and addresses of a host as the kernel tells of them, on a socket of its own, until `stop`. */
export class HostWatch {
  readonly #host: HostContext
  readonly #watcher: HostWatcher
  readonly #stop = new AbortController()
  /** What counts of each of the host's interfaces, as text. */
  readonly #known = new Map<string, string>()

  constructor(host: HostContext, watcher: HostWatcher) {
    this.#host = host
    this.#watcher = watcher
    this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) watcher.failed(error as Error)
    })
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { rt, facts } = this.#host
    const changes = rt.monitor({ tables: ['links', 'addresses'], signal: this.#stop.signal })
    // The monitor listens from here on. What has changed since the last look is news too.
    const first = changes.next()
    // Should the socket be closed meanwhile, what is looked at next tells of it.
    first.catch(() => undefined)
    for (const dev of [facts.publicInterface, facts.loopbackInterface]) {
      this.#known.set(dev, stateOf({ address: facts.mac, mtu: facts.mtu, up: true }))
      this.#takeLink({ event: 'new', table: 'links', object: await rt.links.get(dev) })
    }
    for (let { value, done } = await first; !done; { value, done } = await changes.next()) {
      if (value && value.event !== 'overrun') this.#take(value)
    }
  }

  #take(change: RtnetlinkChange): void {
    if (change.table === 'links') this.#takeLink(change)
    else if (change.table === 'addresses' && this.#isShared(change.object)) this.#watcher.hostChanged()
  }

  #takeLink({ event, object }: RtnetlinkChange & { table: 'links' }): void {
    const slot = slotOfLink(object.name)
    if (slot !== undefined && event === 'delete') this.#watcher.linkGone(slot)
    const before = this.#known.get(object.name)
    const now = event === 'delete' ? '' : stateOf(object)
    if (before === undefined || before === now) return
    this.#known.set(object.name, now)
    this.#watcher.hostChanged()
  }

  #isShared({ dev, address }: { dev: string | number; address?: string | undefined }): boolean {
    const { publicInterface, address: shared } = this.#host.facts
    return dev === publicInterface && address === shared
  }
}

/** What of a link the layout depends on. */
const stateOf = ({ address, mtu, up }: { address?: string | undefined; mtu: number; up: boolean }): string =>
  `${address} ${mtu} ${up}`
