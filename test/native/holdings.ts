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

/**
 * Asserts that all is as `before`, within 5 s: a thread closes its socket when it comes back from the kernel.
 */
export async function expectHoldings(t: Test, before: Holdings): Promise<void> {
  for (let i = 0; i < 500 && !isDeepStrictEqual(holdings(), before); i++) await sleep(10)
  t.strictSame(holdings(), before)
}

/** Empty for what has gone between listing and looking. */
function look(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
