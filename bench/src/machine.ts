import { cpus, release } from 'node:os'

/** What figures depend on. */
export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly kernel: string
  readonly node: string
}

export const machine = (): Machine => ({
  processor: cpus()[0]?.model ?? process.arch,
  processors: cpus().length,
  kernel: release(),
  node: process.version,
})
