import { alternate } from './alternate.js'
import type { Contender, Run } from './contender.js'

/** A contender that could not take part. */
export interface Unavailable {
  readonly name: string
  readonly reason: string
}

export interface Measurement<Workload> {
  /** Of each contender, of each round, the samples. */
  readonly samples: Map<Contender<Workload>, number[][]>
  readonly unavailable: Unavailable[]
}

export interface Schedule {
  readonly rounds: number
  /** Brings the kernel to where every run begins. */
  clear(): Promise<void>
  /** The state that a run left, for comparison. */
  state(): Promise<string>
}

/** Runs until V8 has compiled what matters: 10,000 calls and more. */
const WARM_UPS = 20

/**
 * Runs all contenders in alternation. First runs of each, not counted, warm up and prove that it leaves the kernel in
 * the same state as the first contender did. A peer that is missing or fails is left out; others throw.
 */
export async function measure<Workload>(
  contenders: readonly Contender<Workload>[],
  workload: Workload,
  schedule: Schedule,
): Promise<Measurement<Workload>> {
  const unavailable: Unavailable[] = []
  const runs = new Map<Contender<Workload>, Run>()
  let expected: string | undefined
  for (const contender of contenders) {
    try {
      const run = await contender.prepare(workload)
      for (let i = 0; i < (contender.inProcess ? WARM_UPS : 1); i++) {
        await schedule.clear()
        await run()
      }
      const state = await schedule.state()
      expected ??= state
      if (state !== expected) throw new Error('what it installed differs from what the floor installed')
      runs.set(contender, run)
    } catch (error) {
      if (!contender.peer) throw error
      unavailable.push({ name: contender.name, reason: (error as Error).message })
    }
  }

  const samples = new Map<Contender<Workload>, number[][]>([...runs.keys()].map(contender => [contender, []]))
  await alternate([...runs], schedule.rounds, async ([contender, run]) => {
    await schedule.clear()
    samples.get(contender)?.push(await run())
  })
  return { samples, unavailable }
}
