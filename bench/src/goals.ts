import type { Summary } from './summary.js'
import { duration, times } from './units.js'

/** What a contender has to come to. */
export interface Goal {
  readonly contender: string
  /** At most this many times the floor of its form. */
  readonly ratio?: number
  /** At most this many nanoseconds above the floor of its form. */
  readonly above?: number
}

export interface Verdict {
  readonly goal: string
  readonly came: string
  readonly met: boolean
}

/** How the summaries compare with the goals, in their order. */
export const judge = (goals: readonly Goal[], summaries: readonly Summary[]): Verdict[] =>
  goals.flatMap(goal => {
    const summary = summaries.find(({ name }) => name === goal.contender)
    return summary === undefined ? [] : [verdict(goal, summary)]
  })

function verdict({ contender, ratio, above }: Goal, summary: Summary): Verdict {
  const over = summary.p50 - summary.p50 / summary.ratio
  return ratio !== undefined
    ? {
        goal: `${contender}: at most ${ratio}x the floor`,
        came: times(summary.ratio),
        met: summary.ratio <= ratio,
      }
    : {
        goal: `${contender}: at most ${duration(above ?? 0)} above the floor`,
        came: duration(over),
        met: over <= (above ?? 0),
      }
}
