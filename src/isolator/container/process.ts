import { readFileSync } from 'node:fs'

/** A process, told from a later one that has got its pid. */
export interface Process {
  readonly pid: number
  /** Clock ticks from the boot until it began. */
  readonly startTime: string
}

/**
 * The process that has a pid now; undefined if none is alive. A zombie without further threads is not alive. One with
 * threads is: its main thread has ended, and the others go on.
 */
export function processOf(pid: number): Process | undefined {
  const stat = statOf(pid)
  if (stat === undefined) return undefined
  // Behind the name, which is in parentheses and may hold anything: proc_pid_stat(5), fields 3, 20 and 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', threads = '', startTime = ''] = [fields[0], fields[17], fields[19]]
  const ended = (state === 'Z' || state === 'X') && Number(threads) <= 1
  return ended ? undefined : { pid, startTime }
}

export const isAlive = ({ pid, startTime }: Process): boolean => processOf(pid)?.startTime === startTime

function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
