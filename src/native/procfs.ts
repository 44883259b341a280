import { close, openSync } from 'node:fs'
import { mountDetached, tryCall } from './system-calls.js'

/** So often one is given. To make one takes a fifth of a millisecond, and this many namespaces are no long walk. */
const TIMES = 16
/** What nobody has asked for so long is closed. */
const IDLE_MS = 500

let mounted = -1
let times = 0
let idle: NodeJS.Timeout | undefined

/**
 * The file descriptor of a procfs that few have looked into, good until the next turn of the event loop; -1 where there can
 * be none. In the one at /proc the kernel finds a sysctl by walking along those of all the namespaces that looked it up
 * (proc_sys_compare in fs/proc/proc_sysctl.c), 1 ms beside 4,000.
 */
export function procfs(): number {
  if (times >= TIMES) forget()
  if (times++ === 0) mounted = mount()
  idle ??= setTimeout(forget, IDLE_MS).unref()
  idle.refresh()
  return mounted
}

function forget(): void {
  clearTimeout(idle)
  idle = undefined
  times = 0
  // Not here: with all that was looked up in it that takes the kernel milliseconds.
  if (mounted >= 0) close(mounted)
  mounted = -1
}

/** Its file descriptor is opened by Node, which closes it when a worker thread ends, and warns of those it does not know. */
function mount(): number {
  const root = mountDetached('proc')
  if (root < 0) return -1
  try {
    return openSync(`/proc/self/fd/${root}`, 'r')
  } finally {
    tryCall('close', root)
  }
}
