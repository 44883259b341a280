import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** How many file descriptors of netlink's kinds and how many threads of ours this process holds. */
export interface Holdings {
  sockets: number
  eventfds: number
  threads: number
}

export function holdings(): Holdings {
  const files = readdirSync('/proc/self/fd').map(fd => look(() => readlinkSync(`/proc/self/fd/${fd}`)))
  const threads = readdirSync('/proc/self/task').map(id =>
    look(() => readFileSync(`/proc/self/task/${id}/comm`, 'utf8')),
  )
  return {
    sockets: files.filter(file => file.startsWith('socket:')).length,
    eventfds: files.filter(file => file.includes('eventfd')).length,
    threads: threads.filter(name => name === 'rtnetlink\n').length,
  }
}

/** The same once it does not change any more: what was given up earlier may be about to go. */
export async function settledHoldings(): Promise<Holdings> {
  for (;;) {
    const before = holdings()
    await sleep(50)
    if (isDeepStrictEqual(holdings(), before)) return before
  }
}

/**
 * Asserts that no more is held than `before`, within 5 s: a thread closes its socket when it comes back from the kernel. It
 * may be less, if something that was given up before has gone since.
 */
export async function expectHoldings(t: Test, before: Holdings): Promise<void> {
  const surplus = (): Holdings => {
    const { sockets, eventfds, threads } = holdings()
    return {
      sockets: Math.max(0, sockets - before.sockets),
      eventfds: Math.max(0, eventfds - before.eventfds),
      threads: Math.max(0, threads - before.threads),
    }
  }
  const none: Holdings = { sockets: 0, eventfds: 0, threads: 0 }
  for (let i = 0; i < 500 && !isDeepStrictEqual(surplus(), none); i++) await sleep(10)
  t.strictSame(surplus(), none, 'nothing is left')
}

/** Empty for what has gone between listing and looking. */
function look(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
