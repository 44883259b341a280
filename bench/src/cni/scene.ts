import { execFileSync } from 'node:child_process'
import type { Contender, Mapping } from './plug-in.js'

/** The address that all ask for, and the port of the server in the container. */
export const ADDRESS = '10.9.0.2'
export const PORT = 31_000

const PORTS: readonly Mapping[] = [{ hostPort: PORT, containerPort: PORT, protocol: 'tcp' }]

/** Of the same, with datagrams: a mapping of portmap's is of one protocol. */
const BOTH: readonly Mapping[] = [...PORTS, { hostPort: PORT, containerPort: PORT, protocol: 'udp' }]

const ip = (...args: string[]): void => {
  execFileSync('ip', args)
}

/** A machine beyond a wire, a host, and a server in a container of it, or on the host itself. */
export class Scene implements Disposable {
  readonly name: string
  readonly ours: boolean
  readonly remote: string
  readonly server: string
  readonly #namespaces: readonly string[]
  readonly #end: () => void

  /** @param contender gets the host's namespace; undefined: the server is on the host */
  constructor(index: number, name: string, contender?: (host: string) => Contender) {
    const [remote, host, container] = ['remote', 'host', 'container'].map(
      what => `cni-traffic-${process.pid}-${index}-${what}`,
    ) as [string, string, string]
    this.#namespaces = contender ? [remote, host, container] : [remote, host]
    this.name = name
    for (const namespace of this.#namespaces) {
      ip('netns', 'add', namespace)
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
    }
    ip('-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', remote)
    for (const [namespace, address] of [
      [remote, '10.9.0.1/24'],
      [host, `${ADDRESS}/24`],
    ] as const) {
      ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    }
    ip('-n', host, 'route', 'add', 'default', 'via', '10.9.0.1')
    const path = (namespace: string): string => `/run/netns/${namespace}`
    this.remote = path(remote)
    this.server = path(contender ? container : host)
    const made = contender?.(host)
    this.ours = made?.ours ?? false
    this.#end = () => made?.del('server', path(container), BOTH)
    try {
      made?.add('server', path(container), BOTH)
    } catch (error) {
      this.#remove()
      throw error
    }
  }

  #remove(): void {
    for (const namespace of this.#namespaces) ip('netns', 'delete', namespace)
  }

  [Symbol.dispose](): void {
    try {
      this.#end()
    } finally {
      this.#remove()
    }
  }
}
