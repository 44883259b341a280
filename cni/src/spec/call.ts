/** One invocation of a CNI plug-in: what the runtime hands over (CNI specification, section 2). */
export interface Call {
  /** The variables CNI_COMMAND, CNI_CONTAINERID and so on. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What was written to standard input: the network's configuration, JSON. */
  readonly input: string
}

/** What a plug-in answers. */
export interface Reply {
  /** Its exit status: 0, or 1 where `output` is an error. */
  readonly status: 0 | 1
  /** What it prints: JSON, or nothing. */
  readonly output: string
}
