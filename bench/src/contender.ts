/** How messages travel: each with a sendmsg and an acknowledgement of its own, or many in one. */
export type Form = 'one by one' | 'batched'

/** One way to do a workload. All contenders of a benchmark leave the kernel in the same state. */
export interface Contender<Workload> {
  /** As tables and charts call it. */
  readonly name: string
  readonly form: Form
  /** The C program of this form that sends bytes encoded beforehand; what the others are compared with. */
  readonly floor?: true
  /** Someone else's work. It is left out, with the reason, where it is not installed or fails. */
  readonly peer?: true
  /** It runs in this process, where V8 compiles it while it runs: it is warmed up with several runs. */
  readonly inProcess?: true
  /** Operations in one sample. */
  readonly perSample: number
  /** Compiles, imports, writes files: what is not measured. Throws where something is missing. */
  prepare(workload: Workload): Promise<Run>
}

/** Does the workload once, and gives the nanoseconds that each sample took. */
export type Run = () => Promise<number[]>
