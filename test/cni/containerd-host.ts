import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { runtimeHost, SHARED_HOST, type Ended, type RuntimeHost } from './runtime-host.js'

/** Where it listens. */
export const SOCKET = '/run/containerd/containerd.sock'

/** The network of all its containers. */
export const NETWORK = {
  cniVersion: '1.0.0',
  name: 'shared',
  plugins: [
    {
      type: 'rtnetlink-cni',
      ...SHARED_HOST,
      capabilities: { portMappings: true, bandwidth: true, 'io.kubernetes.cri.pod-annotations': true },
    },
  ],
}

/** A host where containerd runs. */
export interface Containerd extends RuntimeHost {
  ctr: (...args: readonly string[]) => Promise<Ended>
  /** The first process of a container. */
  pid: (id: string) => Promise<number>
}

/** What pods are made of: an image whose program is every pod's first one. */
export const POD_IMAGE = 'docker.io/test/pod:1'

const toml = ({ folder, plugins }: RuntimeHost): string => `
version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "${POD_IMAGE}"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${plugins}"
  conf_dir = "${folder}/networks"
`

/** A host with containerd, which ends with the test. */
export async function containerdHost(t: Test, { ipv6 = false } = {}): Promise<Containerd> {
  // ctr has no option for these.
  const host = await runtimeHost(t, { ownFolders: ['/etc/cni', '/opt/cni', '/var/lib/cni'], ipv6 })
  const { folder, plugins, run, attempt, start } = host
  mkdirSync(join(folder, 'networks'))
  writeFileSync(
    join(folder, 'networks/shared.conflist'),
    JSON.stringify({ ...NETWORK, plugins: NETWORK.plugins.map(plugin => ({ ...plugin, ipv6 })) }),
  )
  await run(['ln', '-s', join(folder, 'networks'), '/etc/cni/net.d'])
  await run(['ln', '-s', plugins, '/opt/cni/bin'])
  writeFileSync(join(folder, 'containerd.toml'), toml(host))
  const daemon = start(['containerd', '--config', join(folder, 'containerd.toml')])
  let log = ''
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ctr = (...args: readonly string[]): Promise<Ended> => attempt(['ctr', '--address', SOCKET, ...args])
  while ((await ctr('version')).status !== 0) {
    if (daemon.exitCode !== null) throw new Error(log)
    await sleep(100)
  }
  return {
    ...host,
    ctr,
    async pid(id) {
      const { output } = await ctr('task', 'list')
      return Number(new RegExp(`^${id}\\s+(\\d+)`, 'm').exec(output)?.[1])
    },
  }
}
