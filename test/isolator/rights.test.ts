import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import {
  afterMounting,
  asUserWith,
  canConfine,
  inNetns,
  inUserNamespace,
  withoutCalls,
  withoutCapabilities,
  type Confinement,
} from '../helpers/confinement.js'
import { allOf } from '../helpers/privilege.js'
import { processInside } from '../helpers/process-inside.js'
import { createTopology, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

t.setTimeout(120_000)

const FIXTURE = fileURLToPath(new URL('fixtures/rights.js', import.meta.url))

const READ_ONLY_SYSCTLS = afterMounting(
  'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys',
)

/** What `probe()`, and `create()` with `isolate()`, came to. */
type Outcomes = Record<'probe' | 'isolate', unknown>

/** Runs the fixture in the host's namespace, confined. */
async function tried(
  { host, containers: [container] }: Topology,
  ...confinements: Confinement[]
): Promise<Outcomes> {
  const node = [process.execPath, FIXTURE, JSON.stringify(OPTIONS), container?.path ?? '']
  const [command = '', ...args] = [...inNetns(host.path), ...confinements.flat(), ...node]
  const { stdout } = await promisify(execFile)(command, args)
  return JSON.parse(stdout) as Outcomes
}

async function topologyFor(t: Test): Promise<Topology> {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  return topology
}

interface Environment {
  readonly confinements: readonly Confinement[]
  /** What is missing for both, and what the message says of it. */
  readonly missing: readonly string[]
  readonly says: RegExp
}

const ENVIRONMENTS: Record<string, Environment> = {
  'without CAP_NET_ADMIN': {
    confinements: [withoutCapabilities('net_admin')],
    missing: ['CAP_NET_ADMIN'],
    says: /does not have CAP_NET_ADMIN, which is needed to change the host's links and filters\. Without root, start the program in a user namespace: unshare -Urnm /,
  },
  'without CAP_SYS_ADMIN': {
    confinements: [withoutCapabilities('sys_admin')],
    missing: ['CAP_SYS_ADMIN'],
    says: /does not have CAP_SYS_ADMIN, which is needed to enter the host's network namespace and to name.*\. Without root, start .* unshare -Urnm /,
  },
  'as a user without these capabilities': {
    confinements: [asUserWith('chown')],
    missing: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', '/run/netns'],
    says: /CAP_SYS_ADMIN, .*CAP_NET_ADMIN, which is needed to change .*EACCES: permission denied, open '\/run\/netns'; root or CAP_DAC_OVERRIDE is needed/,
  },
  'as a user with both capabilities': {
    confinements: [asUserWith('net_admin', 'sys_admin')],
    missing: ['/run/netns'],
    says: /may not name network namespaces: EACCES: .*root or CAP_DAC_OVERRIDE is needed$/,
  },
  'in a user namespace that does not own the host': {
    confinements: [[...inUserNamespace, '--mount']],
    missing: ['setns'],
    says: /may not enter the host's .*CAP_SYS_ADMIN .*this process has it in its own user namespace alone$/,
  },
  'in a user namespace that does not own the mount namespace either': {
    confinements: [inUserNamespace],
    missing: ['setns', 'mount'],
    says: /may not name network namespaces: EPERM: .*in the user namespace that owns the mount namespace; this/,
  },
  'under a filter without unshare': {
    confinements: [withoutCalls(['unshare'])],
    missing: ['unshare'],
    says: /may not make network namespaces: EPERM: .*a seccomp filter of this process refuses unshare$/,
  },
  'under a filter without setns': {
    confinements: [withoutCalls(['setns'])],
    missing: ['setns'],
    says: /may not enter the host's network namespace: EPERM: .*a seccomp filter of this process refuses setns$/,
  },
  'under a filter without mount': {
    confinements: [withoutCalls(['mount'])],
    missing: ['mount'],
    says: /may not name network namespaces: EPERM: .*a seccomp filter of this process refuses mount$/,
  },
  'under a filter that does not know mount': {
    confinements: [withoutCalls(['mount'], 'ENOSYS')],
    missing: ['mount'],
    says: /ENOSYS: .*a seccomp filter of this process refuses mount$/,
  },
  'under a filter without netlink sockets': {
    confinements: [withoutCalls(['socket'], 'EAFNOSUPPORT')],
    missing: ['socket'],
    says: /EAFNOSUPPORT: .*a seccomp filter of this process refuses socket$/,
  },
  'with a read-only /proc/sys and without a /proc of its own': {
    confinements: [READ_ONLY_SYSCTLS, withoutCalls(['fsopen'])],
    missing: ['/proc/sys/net/ipv4/ip_local_reserved_ports'],
    says: /may not write the host's sysctls: EROFS: .*; \/proc\/sys is mounted read-only here$/,
  },
  'with a read-only /run': {
    confinements: [
      afterMounting('mount --bind /run /run; mount -o remount,bind,ro /run; umount -l /run/netns || true'),
    ],
    missing: ['/run/netns'],
    says: /may not name network namespaces: EROFS: read-only file system, open '\/run\/netns'$/,
  },
}

t.test('what is missing is said before anything is touched', needsIsolation(), async t => {
  const topology = await topologyFor(t)
  await changesNothing(t, [topology.host, ...topology.containers], async () => {
    for (const [name, { confinements, missing, says }] of Object.entries(ENVIRONMENTS)) {
      await t.test(name, canConfine(...confinements), async t => {
        const { probe, isolate } = await tried(topology, ...confinements)
        const refusal = { code: 'ERR_NOT_PERMITTED', message: says, missing }
        t.match(probe, refusal, 'probe()')
        t.match(isolate, refusal, 'create()')
      })
    }
  })
})

const ENOUGH: Record<string, Confinement> = {
  'nothing is missing': [],
  'a read-only /proc/sys': READ_ONLY_SYSCTLS,
  'no /dev/net': afterMounting(existsSync('/dev/net') ? 'mount -t tmpfs tmpfs /dev/net' : ':'),
  'root with the two capabilities alone': ['setpriv', '--bounding-set=-all,+net_admin,+sys_admin'],
}

t.test('enough', needsIsolation(), async t => {
  const topology = await topologyFor(t)
  for (const [name, confinement] of Object.entries(ENOUGH)) {
    await t.test(name, canConfine(confinement), async t => {
      t.match(await tried(topology, confinement), { probe: 'done', isolate: 'done' })
    })
  }
})

t.test(
  'the rights are asked for at the host that is named',
  allOf(needsIsolation(), canConfine(inUserNamespace)),
  async t => {
    const topology = await topologyFor(t)
    const script =
      'mount -t tmpfs tmpfs /run; touch /run/own; unshare --net=/run/own true; exec "$@" /run/own'
    const own = [...inUserNamespace, '--mount', 'sh', '-ec', script, 'confined']
    t.match(await tried(topology, own), {
      probe: 'done',
      isolate: { code: 'ERR_INVALID_OPTION', message: /eth0/ },
    })
  },
)

const WITHOUT_PTRACE = withoutCapabilities('sys_ptrace')

t.test('a process with more capabilities', allOf(needsIsolation(), canConfine(WITHOUT_PTRACE)), async t => {
  const topology = await topologyFor(t)
  const [container] = topology.containers as [NamespaceRef]
  const pid = await processInside(t, container)
  const byProcess = { ...container, path: `/proc/${pid}/ns/net` }
  const { isolate } = await tried({ ...topology, containers: [byProcess] }, WITHOUT_PTRACE)
  t.match(isolate, {
    code: 'ERR_NOT_PERMITTED',
    message: /does not have CAP_SYS_PTRACE, which is needed to open the network namespace$/,
    missing: ['CAP_SYS_PTRACE'],
  })
})
