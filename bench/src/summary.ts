import type { Contender, Form } from './contender.js'
import { median, quantile } from './statistics.js'

/** What a contender came to. Times are nanoseconds of one operation. */
export interface Summary {
  readonly name: string
  readonly form: Form
  readonly floor: boolean
  readonly peer: boolean
  /** Median over the rounds of the median of each. */
  readonly p50: number
  /** Of all samples. Of a process that does the whole workload there is one sample a round. */
  readonly p99: number
  /** Median over the rounds of the ratio to the floor of the same form in the same round. */
  readonly ratio: number
  /** The median of each round. */
  readonly rounds: readonly number[]
}

/** Samples of each round, by contender. */
export type Samples<Workload> = ReadonlyMap<Contender<Workload>, readonly (readonly number[])[]>

export function summarize<Workload>(samples: Samples<Workload>): Summary[] {
  const rounds = new Map<Contender<Workload>, number[]>()
  for (const [contender, perRound] of samples)
    rounds.set(
      contender,
      perRound.map(round => median(round) / contender.perSample),
    )

  const floorOf = (form: Form): readonly number[] =>
    [...rounds].find(([contender]) => contender.floor && contender.form === form)?.[1] ?? []

  return [...rounds].map(([contender, medians]) => {
    const { name, form, floor = false, peer = false, perSample } = contender
    const floors = floorOf(form)
    return {
      name,
      form,
      floor,
      peer,
      p50: median(medians),
      p99: quantile((samples.get(contender) ?? []).flat(), 0.99) / perSample,
      ratio: median(medians.map((value, round) => value / (floors[round] ?? NaN))),
      rounds: medians,
    }
  })
}
