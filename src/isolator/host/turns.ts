import { IsolatorError } from '../isolator-error.js'
import type { HeldName } from '../../native/binding.js'
import { nextTurn } from '../kernel/concurrency-limit.js'
import { Changer, lastChange, noteChange } from './change-note.js'
import type { HostContext } from './context.js'
import { holdHost, PATIENCE_MS } from './lock.js'

/** How long calls may join a turn after it has begun, although others wait for its end, ms. */
const JOINED_WITHIN_MS = 100

/** What an isolator does when it gets its turn. */
export interface TurnDuties {
  /**
   * Sees what others have changed since its last turn. Resolves with whether anything is left that nobody sees to.
   *
   * @param again whether it is for a change of its own, in the same turn
   */
  seeOthers(again: boolean): Promise<boolean>
  /** Brings to its end what somebody who was killed has left in the middle. */
  finish(): Promise<void>
  /** Removes what is left of containers whose namespaces have ended. */
  removeEnded(): Promise<void>
}

/** How a change copes with what somebody who was killed has left. */
interface ChangeWays {
  /** Whether the work itself brings it to its end. */
  readonly finishes?: boolean
  /** Whether an error can come from it: then it is brought to its end, and the work is done once more. */
  readonly isInTheWay?: (error: unknown) => boolean
}

/** The time for which an isolator is alone on its host. */
interface Turn {
  /** Calls that take part. */
  calls: number
  /** Those of them whose work has not begun. */
  waiting: number
  /** Until when calls may join it although others wait for its end, as performance.now() tells. */
  joinedUntil: number
  /** Whether no call may join it any more. */
  closed: boolean
  /** Since when it waits for others, as performance.now() tells. */
  asked: number
  /** Why it cannot begin: others do not end their own. */
  busy: unknown
  /** Resolves when it has begun; rejects where it cannot. */
  begun: Promise<void>
  /** What it changes, where it changes something. */
  change: string | undefined
  /** Resolves once that is noted. */
  noted: Promise<void> | undefined
  /** Whether somebody was killed in the middle of a change before, and that has not been brought to its end. */
  unfinished: boolean
  /** Resolves once it has. */
  finished: Promise<void> | undefined
  /** Resolves once what is left of ended containers has been removed. */
  cleared: Promise<void> | undefined
  lock: HeldName | undefined
  readonly ended: Promise<void>
  readonly end: () => void
}

/**
 * The turns of one isolator among all that work on the same host, in whatever process: while it has one, no other changes
 * containers. Calls that are under way at the same time share a turn, so that they do not wait for one another; what they
 * mean to each other is for `Calls` to see to. Work in a turn must not wait for work that asks for a turn itself: that may
 * get the next one, which begins when this one has ended.
 *
 * A turn costs three messages: who changed something last, that a change begins, that it is finished. Only if another
 * changed something, it costs one look at the links and one at the nodes of containers more, and that twice at most: from then on
 * the kernel's notifications have it (ContainerLinks).
 */
export class HostTurns {
  readonly #host: HostContext
  readonly #duties: TurnDuties
  readonly #patienceMs: number
  readonly #changer = new Changer()
  #turn: Turn | undefined
  /** Resolves when all turns so far have ended. */
  #ended: Promise<void> = Promise.resolve()
  /** The last change that this isolator has seen, or made. */
  #seen: string | undefined
  /** Whether anything is left on the host that nobody sees to. */
  #isAnyLeft = false

  /** @param patienceMs how long another may keep a call waiting. Default: 30 s */
  constructor(host: HostContext, duties: TurnDuties, patienceMs = PATIENCE_MS) {
    this.#host = host
    this.#duties = duties
    this.#patienceMs = patienceMs
  }

  /**
   * Does work that reads, while nobody changes what it reads.
   *
   * @throws IsolatorError ERR_HOST_BUSY where another does not end its own turn within 30 s
   */
  look<T>(work: () => Promise<T>): Promise<T> {
    return this.#inSomeTurn(undefined, () => Promise.resolve(), work)
  }

  /**
   * Does work that changes containers, while nobody else does.
   *
   * @throws IsolatorError ERR_HOST_BUSY where another does not end its own turn within 30 s
   */
  async change<T>(
    work: () => Promise<T>,
    { finishes = false, isInTheWay = () => false }: ChangeWays = {},
  ): Promise<T> {
    const attempt = async (turn: Turn): Promise<T> => {
      try {
        const result = await work()
        if (finishes) turn.unfinished = this.#isAnyLeft = false
        return result
      } catch (error) {
        // Brought to its end by the next turn: calls that take part in this one are in the middle of their work.
        if (isInTheWay(error)) Object.assign(turn, { unfinished: true, closed: true })
        throw error
      }
    }
    try {
      return await this.#inSomeTurn(this.#changer, turn => this.#prepareChange(turn, finishes), attempt)
    } catch (error) {
      if (!isInTheWay(error)) throw error
    }
    return this.change(work)
  }

  /** Resolves when the work of all calls that have asked for a turn has begun: for those that need none, and come after them. */
  async begun(): Promise<void> {
    while (this.#turn && this.#turn.waiting > 0) {
      await Promise.allSettled([this.#turn.begun, this.#turn.noted, this.#turn.cleared, this.#turn.finished])
      await nextTurn()
    }
  }

  /** Resolves when no turn is under way. */
  async idle(): Promise<void> {
    await this.#ended
  }

  /** Does work in a turn. A call that joined one which cannot begin has its own time to wait: it asks for another then. */
  async #inSomeTurn<T>(
    changer: Changer | undefined,
    prepare: (turn: Turn) => Promise<void>,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    let leftMs = this.#patienceMs
    for (;;) {
      const joined = performance.now()
      const turn = this.#join(changer, leftMs)
      try {
        return await this.#inTurn(
          turn,
          () => prepare(turn),
          () => work(turn),
        )
      } catch (error) {
        leftMs -= performance.now() - Math.max(joined, turn.asked)
        if (error !== turn.busy || leftMs <= 0) throw error
      }
    }
  }

  async #inTurn<T>(turn: Turn, prepare: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    try {
      try {
        await turn.begun
        await prepare()
      } finally {
        turn.waiting--
      }
      return await work()
    } finally {
      if (--turn.calls === 0) await this.#end(turn)
    }
  }

  /**
   * The turn that a call takes part in: the latest, unless others wait for its end.
   *
   * @param leftMs how long the call still waits for one of the others
   */
  #join(changer: Changer | undefined, leftMs: number): Turn {
    const latest = this.#turn
    const turn = latest && isOpen(latest) ? latest : this.#next(leftMs)
    turn.change ??= changer?.nextChange()
    turn.calls++
    turn.waiting++
    return turn
  }

  #next(firstMs: number): Turn {
    const { promise: ended, resolve: end } = withResolvers()
    const turn: Turn = {
      calls: 0,
      waiting: 0,
      joinedUntil: Infinity,
      closed: false,
      asked: Infinity,
      busy: undefined,
      begun: this.#ended,
      change: undefined,
      noted: undefined,
      unfinished: false,
      finished: undefined,
      cleared: undefined,
      lock: undefined,
      ended,
      end,
    }
    turn.begun = this.#ended.then(() => this.#begin(turn, firstMs))
    this.#ended = ended
    this.#turn = turn
    return turn
  }

  async #begin(turn: Turn, firstMs: number): Promise<void> {
    const { rt } = this.#host
    turn.lock = await this.#hold(turn, firstMs)
    const last = await lastChange(rt)
    turn.unfinished = last?.unfinished ?? false
    if (last === undefined || last.by !== this.#seen) {
      // What was left before stays so: a look can be at what has changed since the one before.
      const isLeft = await this.#duties.seeOthers(false)
      this.#isAnyLeft ||= isLeft
    }
    this.#seen = last?.by
    turn.joinedUntil = performance.now() + JOINED_WITHIN_MS
  }

  async #hold(turn: Turn, firstMs: number): Promise<HeldName> {
    turn.asked = performance.now()
    try {
      return await holdHost(this.#host.netns, { patienceMs: this.#patienceMs, firstMs })
    } catch (error) {
      // Whatever else fails, such as for want of a descriptor, would fail again.
      const isBusy = error instanceof IsolatorError && error.code === 'ERR_HOST_BUSY'
      Object.assign(turn, { closed: true, busy: isBusy ? error : undefined })
      throw error
    }
  }

  async #prepareChange(turn: Turn, finishes: boolean): Promise<void> {
    const by = turn.change as string
    turn.noted ??= noteChange(this.#host.rt, { by, unfinished: true })
    await turn.noted
    this.#seen = by
    if (finishes || turn.closed) return
    turn.cleared ??= this.#duties.removeEnded()
    await turn.cleared
    if (!turn.unfinished && !this.#isAnyLeft) return
    turn.finished ??= this.#finish(turn)
    await turn.finished
  }

  async #finish(turn: Turn): Promise<void> {
    await this.#duties.finish()
    await this.#duties.seeOthers(true)
    turn.unfinished = this.#isAnyLeft = false
  }

  async #end(turn: Turn): Promise<void> {
    if (this.#turn === turn) this.#turn = undefined
    try {
      // A note that cannot be written has the next one look closer than is needed, which is no harm.
      if (turn.noted && turn.change !== undefined)
        await noteChange(this.#host.rt, { by: turn.change, unfinished: turn.unfinished }).catch(
          () => undefined,
        )
    } finally {
      turn.lock?.close()
      turn.end()
    }
  }
}

const isOpen = ({ closed, joinedUntil, lock }: Turn): boolean =>
  !closed && (performance.now() < joinedUntil || lock?.isWanted !== true)

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>(resolvePromise => {
    resolve = resolvePromise
  })
  return { promise, resolve }
}
