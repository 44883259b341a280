/** What the process ends with; docs/cli.md describes them. */
export const EXIT = {
  /** Done, and nothing is wrong. */
  fine: 0,
  /** Done, and the answer is no: faults were found, or there is no such container. */
  found: 1,
  /** The command line is wrong. Nothing was asked of the kernel. */
  usage: 2,
  /** A privilege is missing. */
  privilege: 3,
  /** The kernel refused, or something else failed. */
  failed: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
