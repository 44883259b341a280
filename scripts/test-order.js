/** In which order test files run, and which beside others. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.js'

/** Files that measure time, hold a lock of the whole kernel, or change what the whole machine has. */
const alone = [
  'test/hostile/hostile.test.ts',
  'test/hostile/hostile6.test.ts',
  'test/isolator/answers.test.ts',
  'test/isolator/event-loop.test.ts',
  'test/isolator/host/backlog.test.ts',
  'test/isolator/hostile-inside.test.ts',
  'test/isolator/rate-accuracy.test.ts',
  'test/isolator/statistics/rates-sampler.test.ts',
  'test/isolator/update-under-load.test.ts',
  'test/mesos/port-mapping/rate-limits.test.ts',
  'test/native/rtnl.test.ts',
  'test/soak/soak.test.ts',
]

/** Files that take longest, here or under the second kernel: begun last, one would leave the other processors idle. */
const longest = [
  'test/cni/plug-in.test.ts',
  'test/cni/podman.test.ts',
  'test/cni/oci-hook.test.ts',
  'test/cni/service.test.ts',
  'test/cni/daemon-killed.test.ts',
  'test/cni/plug-in-killed.test.ts',
  'test/cni/daemon.test.ts',
  'test/cni/netavark.test.ts',
  'test/isolator/recover-killed.test.ts',
  'test/isolator/recovery/recover.test.ts',
  'test/package/install.test.ts',
  'test/isolator/hosts.test.ts',
  'test/isolator/host-addresses.test.ts',
  'test/isolator/isolate.test.ts',
  'test/isolator/health/repair.test.ts',
  'test/isolator/host/lock.test.ts',
  'test/isolator/inspection/inspect.test.ts',
  'test/netlink/codec/without-generated-code.test.ts',
  'test/isolator/killed.test.ts',
  'test/isolator/port-oracle.test.ts',
  'test/isolator/port-oracle6.test.ts',
  'test/isolator/removal/remove.test.ts',
  'test/isolator/faults.test.ts',
  'test/isolator/agent.test.ts',
  'test/native/worker.test.ts',
  'test/isolator/few-descriptors.test.ts',
  'test/isolator/host/sockets-of-host.test.ts',
  'test/netns/reference.test.ts',
  'test/native/exit.test.ts',
  'test/package/bundle.test.ts',
]

const missing = [...alone, ...longest].filter(file => !existsSync(join(root, file)))
if (missing.length > 0) throw new Error(`scripts/test-order.js: no ${missing.join(', ')}`)

/** Of a file that is not among them: after them. */
const place = (/** @type {string} */ file) =>
  longest.includes(file) ? longest.indexOf(file) : longest.length

/**
 * Those that take longest first, the others by name.
 *
 * @param {readonly string[]} files from the repository's root
 */
export const longestFirst = files => [...files].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))

/**
 * Those that may run beside each other, and those that nothing may run beside.
 *
 * @param {readonly string[]} files from the repository's root
 */
export function grouped(files) {
  const isAlone = (/** @type {string} */ file) => alone.includes(file)
  return { beside: longestFirst(files.filter(file => !isAlone(file))), alone: files.filter(isAlone) }
}
