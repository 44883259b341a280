import { isDeepStrictEqual } from 'node:util'
import { openTransport } from '../../netlink/open-transport.js'
import { NetlinkSubscription } from '../../netlink/subscription.js'
import { rtnetlinkProtocol } from '../../rtnetlink-protocol.js'
import type { HostContext } from '../host/context.js'
import { followName } from '../host/public-interface.js'
import { areNews, findNow, type HostFindings } from '../host/findings.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { sleep } from '../kernel/sleep.js'
import { retryUntilDone } from './retry-until-done.js'

// enum rtnetlink_groups, linux/rtnetlink.h
const RTNLGRP_IPV4_ROUTE = 7
const RTNLGRP_IPV4_RULE = 8
const RTNLGRP_IPV6_IFADDR = 9
const RTNLGRP_IPV6_ROUTE = 11
/** What routers tell an interface. */
const RTNLGRP_IPV6_IFINFO = 12
const RTNLGRP_IPV6_RULE = 19
const INET6_GROUPS = [RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_IFINFO, RTNLGRP_IPV6_RULE]
/** From Linux 5.3 on. */
const RTNLGRP_NEXTHOP = 32

/** From a change to the look at it, ms: a client that replaces a route may delete it first. */
const SETTLING = 20
/** Where routes change all the time, looking takes a twentieth of the time at most. */
const PAUSE_PER_LOOK = 20

/** How late a change may be seen at most, beside the time of a look, ms. */
const LONGEST_PAUSE = 5000

/** Until the next look where there is no public interface, or a look has failed, ms. */
const AFTER_FAILURE = 1000

/** What a watch calls when it has seen something. */
export interface RouteWatcher {
  /** Containers are to have other routes or IPv6 addresses than before, or cannot get one that they need. */
  changed(): void
  /** The watch goes on after a pause. */
  failed(error: unknown): void
}

/**
 * Watches the host's routes, rules and next hops until `stop`, on a socket of its own, and where containers have IPv6 the host's IPv6
 * addresses. A notification says that there is news, whatever it is; what containers get of it a look tells. One look comes after the other, however many
 * notifications there are.
 */
export class RouteWatch {
  readonly #host: HostContext
  readonly #watcher: RouteWatcher
  readonly #stop = new AbortController()
  #seen: HostFindings | undefined
  /** A look is to come, which will see all that changes until then. */
  #awaited = false
  #pause = SETTLING
  /** The look that is under way or awaited. */
  #looking: Promise<void> = Promise.resolve()
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
    const groups = [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, ...(this.#host.facts.inet6 ? INET6_GROUPS : [])]
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
    this.#looking = this.#looking.then(() => this.#lookAfterPause())
  }

  async #lookAfterPause(): Promise<void> {
    const { signal } = this.#stop
    try {
      await sleep(this.#pause, { ref: false, signal })
    } catch {
      return
    }
    this.#awaited = false
    try {
      await this.#look()
    } catch (error) {
      this.#fail(error)
      this.#lookAgain(Math.max(AFTER_FAILURE, 2 * this.#pause))
    }
  }

  async #look(): Promise<void> {
    followName(this.#host)
    const begun = performance.now()
    const now = await unlessGone(() => findNow(this.#host))
    // The public interface is being given another name, or is missing, which others report.
    if (!now) return this.#lookAgain(AFTER_FAILURE)
    const share = PAUSE_PER_LOOK * (performance.now() - begun)
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(SETTLING, share))
    const changed = this.#seen ? !isDeepStrictEqual(now, this.#seen) : areNews(this.#host, now)
    this.#seen = now
    if (changed) this.#watcher.changed()
  }

  #lookAgain(pause: number): void {
    this.#pause = Math.min(LONGEST_PAUSE, pause)
    this.#soon()
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#stop.signal.aborted) this.#watcher.failed(error)
  }
}
