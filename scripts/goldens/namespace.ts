import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process'

/** Runs a program in a named namespace, whatever comes of it. */
export const spawnIn = (namespace: string, [...program]: string[]): SpawnSyncReturns<string> =>
  spawnSync('nsenter', [`--net=/run/netns/${namespace}`, ...program], { encoding: 'utf8' })

/** Calls `work` with the name of a new namespace: in it are d0 (index 7) and d1 (8), the ends of a veth, both down. */
export function inNamespace<T>(work: (namespace: string) => T): T {
  const namespace = `golden${process.pid}`
  execFileSync('ip', ['netns', 'add', namespace])
  try {
    const veth =
      'link add d0 index 7 address 02:00:0a:09:00:02 type veth peer name d1 index 8 address 02:00:0a:09:00:01'
    execFileSync('ip', ['-n', namespace, ...veth.split(' ')])
    return work(namespace)
  } finally {
    spawnSync('sh', ['-c', `ip netns pids ${namespace} | xargs -r kill`])
    execFileSync('ip', ['netns', 'del', namespace])
  }
}
