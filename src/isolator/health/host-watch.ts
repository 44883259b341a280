import { isDeepStrictEqual } from 'node:util'
import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkChange } from '../../rtnetlink-monitor.js'
import type { HostContext } from '../host/context.js'
import { ANSWERS, slotOfLink } from '../layout/layout.js'
import { retryUntilDone } from './retry-until-done.js'
import { unlessGone } from '../kernel/unless-gone.js'

/** What a watch calls when it has seen something. */
export interface HostWatcher {
  /** From here on nothing is missed. What went before has not been seen. */
  begun(): void
  /** The veth of a slot has gone. */
  linkGone(slot: number): void
  /** One of the host's interfaces is not what it was: there or not, up or down, MAC, MTU, addresses. */
  hostChanged(): void
  /** Nothing is seen until it begins again, which is tried after a pause. */
  failed(error: unknown): void
}

/** What of a link the layout depends on. */
type State = Pick<Link, 'index' | 'address' | 'mtu' | 'up'>

/** Watches the links and addresses of a host as the kernel tells of them, on a socket of its own, until `stop`. */
export class HostWatch {
  readonly #host: HostContext
  readonly #watcher: HostWatcher
  readonly #stop = new AbortController()
  /** The host's interfaces as they were seen last; undefined for one that is missing. */
  readonly #known = new Map<string, State | undefined>()
  #publicInterface: string

  constructor(host: HostContext, watcher: HostWatcher) {
    this.#host = host
    this.#watcher = watcher
    const { facts, publicIndex, rt } = host
    const { loopbackInterface, mac: address, mtu } = facts
    const loopbackIndex = rt.devices.interfaceIndex(loopbackInterface)
    // What has changed since the last look is news.
    this.#publicInterface = facts.publicInterface
    this.#known.set(facts.publicInterface, { index: publicIndex, address, mtu, up: true })
    this.#known.set(loopbackInterface, { index: loopbackIndex, address, mtu, up: true })
    for (const dev of [ANSWERS.near, ANSWERS.far])
      this.#known.set(dev, { index: rt.devices.interfaceIndex(dev), address, mtu, up: true })
    void retryUntilDone(() => this.#run(), this.#fail, this.#stop.signal)
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { rt } = this.#host
    const changes = rt.monitor({ tables: ['links', 'addresses'], signal: this.#stop.signal })
    // The monitor listens from here on.
    const first = changes.next()
    // Should the socket be closed meanwhile, what is looked at next tells of it.
    first.catch(() => undefined)
    this.#watcher.begun()
    for (const dev of this.#known.keys()) this.#see(dev, await unlessGone(() => rt.links.get(dev)))
    for (let { value, done } = await first; !done; { value, done } = await changes.next()) {
      if (value && value.event !== 'overrun') this.#take(value)
    }
  }

  #take(change: RtnetlinkChange): void {
    if (change.table === 'links') this.#takeLink(change)
    else if (change.table === 'addresses' && this.#isShared(change.object)) this.#watcher.hostChanged()
  }

  #takeLink({ event, object }: RtnetlinkChange & { table: 'links' }): void {
    if (event === 'new') this.#follow(object)
    const slot = slotOfLink(object.name)
    if (slot !== undefined && event === 'delete') this.#watcher.linkGone(slot)
    for (const [dev, known] of this.#known) {
      if (event === 'new' && object.name === dev) this.#see(dev, object)
      // Deleted, or given another name.
      else if (object.index === known?.index) this.#see(dev, undefined)
    }
  }

  /** The public interface may be given another name, by which it is known from then on. */
  #follow({ index, name }: Link): void {
    const { publicIndex } = this.#host
    if (index !== publicIndex || name === this.#publicInterface) return
    const known = this.#known.get(this.#publicInterface)
    this.#known.delete(this.#publicInterface)
    this.#publicInterface = name
    this.#known.set(name, known)
  }

  #see(dev: string, link: Link | undefined): void {
    const now = link && { index: link.index, address: link.address, mtu: link.mtu, up: link.up }
    if (isDeepStrictEqual(this.#known.get(dev), now)) return
    this.#known.set(dev, now)
    this.#watcher.hostChanged()
  }

  #isShared({ dev, address }: { dev: string | number; address?: string | undefined }): boolean {
    return dev === this.#publicInterface && address === this.#host.facts.address
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#stop.signal.aborted) this.#watcher.failed(error)
  }
}
