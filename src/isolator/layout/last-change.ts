/** Who changed the containers of a host last, and whether that came to its end. */
export interface LastChange {
  /** The change: no other has the same words. */
  readonly by: string
  /** Where nobody is at work on the host, somebody was killed in the middle of it. */
  readonly unfinished: boolean
}

/** The alias that notes it: `changed by 1234-k3x09vq2m8a.7`, with the pid for people; `being changed by …` until it is finished. */
export const formatLastChange = ({ by, unfinished }: LastChange): string =>
  `${unfinished ? 'being ' : ''}changed by ${by}`

/** Reads it; undefined where nothing is noted, or somebody has set another alias. */
export function parseLastChange(alias: string | undefined): LastChange | undefined {
  const [, being, by] = /^(being )?changed by (\S+)$/.exec(alias ?? '') ?? []
  return by === undefined ? undefined : { by, unfinished: being !== undefined }
}
