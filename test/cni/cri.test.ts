import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { runIn } from '../helpers/iproute2.js'
import { allOf, type Skip } from '../helpers/privilege.js'
import { HOST_IP } from '../helpers/topology.js'
import { HOST_IP6 } from '../isolator/inet6-topology.js'
import { containerdHost, POD_IMAGE, SOCKET, type Containerd } from './containerd-host.js'
import { callRuntime, fieldOf, type Fields } from './cri-client.js'
import { needsRuntime } from './runtime-host.js'
import { INET, INET6, namespaceOf, reachesAll } from './runtime-traffic.js'

/** containerd runs it for each pod, before ours. */
const LOOPBACK = '/usr/lib/cni/loopback'

const needsLoopback = (): Skip => ({ skip: existsSync(LOOPBACK) ? false : `${LOOPBACK} is not installed` })

/** Puts the root file system into containerd as an image whose program is a server. */
async function importPodImage({ folder, rootfs, run, ctr }: Containerd): Promise<void> {
  const image = join(folder, 'image')
  mkdirSync(image)
  await run(['tar', '-C', rootfs, '-cf', join(image, 'layer.tar'), '.'])
  const layer = createHash('sha256')
    .update(readFileSync(join(image, 'layer.tar')))
    .digest('hex')
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/serve', '31000'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  }
  writeFileSync(join(image, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [POD_IMAGE], Layers: ['layer.tar'] }]
  writeFileSync(join(image, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(folder, 'image.tar')
  await run(['tar', '-C', image, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  const { status, output } = await ctr('--namespace', 'k8s.io', 'images', 'import', '--no-unpack', archive)
  if (status !== 0) throw new Error(output)
  // The CRI hears of it by an event, and notes that it has.
  const images = async (): Promise<string> =>
    (await ctr('--namespace', 'k8s.io', 'images', 'ls', `name==${POD_IMAGE}`)).output
  const deadline = performance.now() + 20_000
  while (!(await images()).includes('io.cri-containerd.image=managed')) {
    if (performance.now() > deadline) throw new Error(`the CRI has not heard of ${POD_IMAGE}`)
    await sleep(100)
  }
}

interface Pod {
  hostPorts?: readonly number[]
  annotations?: Readonly<Record<string, string>>
}

/** RunPodSandboxRequest, k8s.io/cri-api/pkg/apis/runtime/v1/api.proto */
const runPod = (name: string, cgroup: string, { hostPorts = [], annotations = {} }: Pod): Fields => [
  [
    1,
    [
      [
        1,
        [
          [1, name],
          [2, `uid-${name}`],
          [3, 'default'],
        ],
      ],
      [2, name],
      ...hostPorts.map(port => [5, [[2, port] as const, [3, port] as const]] as const),
      ...Object.entries(annotations).map(
        ([key, value]) => [7, [[1, key] as const, [2, value] as const]] as const,
      ),
      [8, [[1, `/${cgroup}`]]],
    ],
  ],
]

t.test('pods of containerd', allOf(needsRuntime('ctr', 'containerd', 'runc'), needsLoopback()), async t => {
  const machine = await containerdHost(t, { ipv6: true })
  const { cgroup, plugins, outside, ids } = machine
  symlinkSync(LOOPBACK, join(plugins, 'loopback'))
  await importPodImage(machine)
  const call = (method: string, request: Fields) => callRuntime(outside(SOCKET), method, request)
  const run = async (name: string, pod: Pod): Promise<string> =>
    fieldOf(await call('RunPodSandbox', runPod(name, cgroup, pod)), 1).toString()

  t.test('a pod: its addresses, its ports, by mapping and by annotation, its limits', async t => {
    const web = await run('web', {
      hostPorts: [31000],
      annotations: { 'rtnetlink.ports': '31001-31003', 'kubernetes.io/egress-bandwidth': '8M' },
    })
    const other = await run('other', {})
    const status = async (id: string) => {
      const answer = await call('PodSandboxStatus', [
        [1, id],
        [2, 1],
      ])
      const info = JSON.parse(fieldOf(fieldOf(answer, 2), 2).toString()) as { pid: number }
      const network = fieldOf(fieldOf(answer, 1), 5)
      return {
        ip: fieldOf(network, 1).toString(),
        // PodIP, of which there is one more.
        ipv6: fieldOf(fieldOf(network, 2), 1).toString(),
        namespace: namespaceOf(info.pid),
      }
    }
    const [{ ip, ipv6, namespace }, { namespace: otherNamespace }] = [await status(web), await status(other)]
    t.strictSame([ip, ipv6], [HOST_IP, HOST_IP6], 'podIPs')
    for (const family of [INET, INET6])
      await reachesAll(
        t,
        { container: namespace, tcp: 31000, udp: 31003 },
        { ...machine, other: otherNamespace },
        family,
      )
    t.match(await runIn(namespace.path, 'tc', 'class', 'show', 'dev', 'eth0'), / rate 8Mbit /)

    await t.rejects(run('third', { hostPorts: [31000] }), /asks for port 31000, which 'shared:\w+' has/)
    t.equal((await ids()).length, 2)
    for (const id of [web, other])
      for (const method of ['StopPodSandbox', 'RemovePodSandbox']) await call(method, [[1, id]])
  })

  t.test('nothing is left', async t => {
    await machine.isClear(t)
  })
})
