import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A program that runs: what it prints, and its end. */
export interface ProgramOutput {
  /** Its exit code, null where a signal ended it. */
  readonly exit: Promise<number | null>
  /**
   * Waits until `find` returns something: it is called whenever the program has printed. Rejects with the text of `otherwise` if the
   * program ends before.
   */
  readonly until: <T>(find: () => T | undefined, otherwise: () => string) => Promise<T>
}

/** Hands over what a program prints, on either stream. */
export function outputOf(
  child: ChildProcess,
  printed: (text: string, stream: 'stdout' | 'stderr') => void,
): ProgramOutput {
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      printed(text, stream)
      child.emit('printed')
    })
  let ended = false
  const exit = once(child, 'close').then(([code]) => {
    ended = true
    child.emit('printed')
    return code as number | null
  })
  const until = async <T>(find: () => T | undefined, otherwise: () => string): Promise<T> => {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (ended) throw new Error(otherwise())
      await once(child, 'printed')
    }
  }
  return { exit, until }
}
