import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ipBatch, ipJson, run } from './iproute2.js'

/** A network namespace; `path` is a handle to it, whoever made it. */
export interface NamespaceRef {
  name: string
  path: string
}

export const REMOTE_IP = '10.9.0.1'
export const REMOTE_MAC = '02:00:0a:09:00:01'
export const HOST_IP = '10.9.0.2'
export const HOST_MAC = '02:00:0a:09:00:02'
/** The name of the wire's end in both `remote` and `host`. */
export const WIRE = 'eth0'

export interface TopologyOptions {
  /** How many namespaces to make for containers, empty but for a `lo` that is down. Default: 2. */
  containers?: number
  /** What all names start with. Default: `t`. */
  prefix?: string
}

/** `remote` (10.9.0.1) -- veth -- `host` (10.9.0.2, default route via `remote`), and namespaces for containers. */
export interface Topology extends AsyncDisposable {
  remote: NamespaceRef
  host: NamespaceRef
  containers: NamespaceRef[]
  /** Removes all of it; rejects if a name is still there after 2 seconds. */
  close(): Promise<void>
}

const WIRING = ['link set lo up', `link set ${WIRE} up`]

/** Makes the topology with iproute2; names are unique, handles are in /run/netns. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. */
export async function createTopology(options: TopologyOptions = {}): Promise<Topology> {
  const { containers = 2, prefix = 't' } = options
  const unique = prefix + randomBytes(4).toString('hex')
  const named = (suffix: string): NamespaceRef => ({
    name: unique + suffix,
    path: `/run/netns/${unique}${suffix}`,
  })
  const remote = named('r')
  const host = named('h')
  const containerRefs = Array.from({ length: containers }, (_, i) => named(`c${i + 1}`))
  const all = [remote, host, ...containerRefs]
  const close = (): Promise<void> => removeNamespaces(all)

  try {
    await run('ip', ['-batch', '-'], all.map(({ name }) => `netns add ${name}\n`).join(''))
    await ipBatch(host.name, [
      `link add ${WIRE} address ${HOST_MAC} type veth peer name ${WIRE} netns ${remote.name} address ${REMOTE_MAC}`,
      `addr add ${HOST_IP}/24 dev ${WIRE}`,
      ...WIRING,
      `route add default via ${REMOTE_IP} dev ${WIRE}`,
    ])
    await ipBatch(remote.name, [`addr add ${REMOTE_IP}/24 dev ${WIRE}`, ...WIRING])
    await Promise.all([host, remote].map(carrierNoticed))
  } catch (error) {
    await close()
    throw error
  }
  return { remote, host, containers: containerRefs, close, [Symbol.asyncDispose]: close }
}

/** Until the kernel has noticed its carrier a device that is up drops what it is given (net/core/link_watch.c). */
export async function carrierNoticed({ name }: NamespaceRef): Promise<void> {
  const deadline = performance.now() + 2000
  for (;;) {
    const [link] = await ipJson<{ operstate: string }>(name, `link show ${WIRE}`)
    if (link?.operstate === 'UP') return
    if (performance.now() > deadline) throw new Error(`${WIRE} of ${name} has no carrier`)
    await sleep(10)
  }
}

/** Deletes named namespaces that exist, and waits until the names are gone. */
export async function removeNamespaces(namespaces: NamespaceRef[]): Promise<void> {
  const present = (): NamespaceRef[] => namespaces.filter(({ path }) => existsSync(path))
  if (present().length === 0) return
  await run(
    'ip',
    ['-force', '-batch', '-'],
    present()
      .map(({ name }) => `netns del ${name}\n`)
      .join(''),
  )
  const deadline = performance.now() + 2000
  while (present().length > 0) {
    if (performance.now() > deadline)
      throw new Error(
        `still there: ${present()
          .map(({ name }) => name)
          .join(' ')}`,
      )
    await sleep(20)
  }
}
