import { isDeepStrictEqual } from 'node:util'
import { openTransport } from '../../netlink/open-transport.js'
import { NetlinkSubscription } from '../../netlink/subscription.js'
import { rtnetlinkProtocol } from '../../rtnetlink-protocol.js'
import type { HostContext } from '../host/context.js'
import { followName } from '../host/public-interface.js'
import { areNews, readRoutes, type HostRoutes } from '../host/routes.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { sleep } from '../kernel/sleep.js'
import { retryUntilDone } from './retry-until-done.js'

// enum rtnetlink_groups, linux/rtnetlink.h
const RTNLGRP_IPV4_ROUTE = 7
const RTNLGRP_IPV4_RULE = 8
/** From Linux 5.3 on. */
const RTNLGRP_NEXTHOP = 32

/** From a change to the look at it, ms: a client that replaces a route may delete it first. */
const SETTLING = 20
/** Where routes change all the time, looking takes a twentieth of the time at most. */
const PAUSE_PER_LOOK = 20

/** Until the next look where there is no public interface, ms. */
const WITHOUT_INTERFACE = 1000

/** Who is told what a watch sees. */
export interface RouteWatcher {
  /** Containers are to have other routes than before, or cannot get one that they need. */
  changed(): void
  /** The watch goes on after a pause. */
  failed(error: unknown): void
}

/**
 * Watches the host's IPv4 routes, rules and next hops until `stop`, on a socket of its own. A notification says that there is
 * news, whatever it is: a table of any size is neither kept nor read for it.
 */
export class RouteWatch {
  readonly #host: HostContext
  readonly #watcher: RouteWatcher
  readonly #stop = new AbortController()
  #seen: HostRoutes | undefined
  /** A look is to come, which will see all that changes until then. */
  #awaited = false
  #pause = SETTLING
  #listening = false

  constructor(host: HostContext, watcher: RouteWatcher) {
    this.#host = host
    this.#watcher = watcher
    void retryUntilDone(() => this.#listen(), this.#fail, this.#stop.signal)
  }

  /** Whether changes are seen, so that nobody else needs to look for them. */
  get listening(): boolean {
    return this.#listening
  }

  stop(): void {
    this.#stop.abort()
  }

  async #listen(): Promise<void> {
    await using notifications = this.#subscribe()
    try {
      this.#soon()
      this.#listening = true
      for await (const _ of notifications) this.#soon()
    } finally {
      this.#listening = false
    }
  }

  #subscribe(): NetlinkSubscription {
    const groups = [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE]
    const join = (more: readonly number[]): NetlinkSubscription =>
      new NetlinkSubscription(
        openTransport(rtnetlinkProtocol.number, this.#host.netns),
        rtnetlinkProtocol,
        [...groups, ...more],
        this.#stop.signal,
      )
    try {
      return join([RTNLGRP_NEXTHOP])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      return join([])
    }
  }

  #soon(): void {
    if (this.#awaited) return
    this.#awaited = true
    sleep(this.#pause, { ref: false, signal: this.#stop.signal }).then(
      () => {
        this.#awaited = false
        return retryUntilDone(() => this.#look(), this.#fail, this.#stop.signal)
      },
      () => undefined,
    )
  }

  async #look(): Promise<void> {
    followName(this.#host)
    const { rt, facts, routing } = this.#host
    const begun = performance.now()
    const now = await unlessGone(() => readRoutes(rt, facts, routing))
    if (!now) {
      // The public interface is being given another name, or is missing, which others report.
      this.#pause = WITHOUT_INTERFACE
      this.#soon()
      return
    }
    this.#pause = Math.max(SETTLING, PAUSE_PER_LOOK * (performance.now() - begun))
    const changed = this.#seen ? !isDeepStrictEqual(now, this.#seen) : areNews(this.#host, now)
    this.#seen = now
    if (changed) this.#watcher.changed()
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#stop.signal.aborted) this.#watcher.failed(error)
  }
}
