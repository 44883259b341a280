import { SystemError } from '../../native/system-error.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { sysctlWords } from '../../netns/sysctl-words.js'
import type { Sysctl } from '../plan/facts.js'

const ENOENT = -2

/** Sysctls and what they were: what `accessFiles` writes. */
export type FormerSysctls = readonly (readonly [path: string, value: string])[]

/**
 * Writes sysctls inside a namespace and reads them back, all on one thread. Those that were written have their former values
 * told to `note`, also where others could not be.
 *
 * @throws Error naming the sysctl where a write fails, or where the kernel keeps another value
 */
export async function applySysctls(
  netns: NetworkNamespace,
  sysctls: readonly Sysctl[],
  note: (former: FormerSysctls) => void,
): Promise<void> {
  // Per sysctl: its value before, the write, its value afterwards. Mesos learned to read back (commit 06e17bd9a).
  const results = await netns.accessFiles(
    sysctls.flatMap(({ name, value }) => {
      const path = sysctlPath(name)
      return [
        [path, null],
        [path, value],
        [path, null],
      ] as const
    }),
  )
  const steps = sysctls.map((sysctl, i) => ({
    ...sysctl,
    before: results[3 * i],
    write: results[3 * i + 1],
    after: results[3 * i + 2],
  }))
  const written = steps.filter(({ write }) => typeof write === 'string')
  note(written.map(({ name, before }) => [sysctlPath(name), typeof before === 'string' ? before.trim() : '']))
  for (const { name, value, optional, write, after } of steps) {
    if (optional && write instanceof SystemError && write.errno === ENOENT) continue
    if (write instanceof Error) throw write
    if (after instanceof Error) throw after
    const found = sysctlWords(after ?? '')
    if (found !== sysctlWords(value)) throw new Error(`${name} was set to '${value}' but is '${found}'`)
  }
}
