import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NamespaceRef, Topology } from '../../../test/helpers/topology.js'
import { BUILD } from '../folders.js'
import type { Call } from './recorder.js'

/** A recorded isolate() as a script for native/replay.c, which repeats it in another topology that is made alike. */
export interface Script {
  readonly path: string
  /** The file descriptor by which its messages name the container's namespace. */
  readonly number: number
  readonly messages: number
}

/** Writes the script of what was recorded in `topology`. */
export function writeScript(
  { before, calls }: { before: readonly Call[]; calls: readonly Call[] },
  topology: Topology,
): Script {
  const container = inode(topology.containers[0])
  const side = (netns: number): string => (netns === container ? 'container' : 'host')
  /** The number of a socket in the script by its file descriptor, which later ones may have again. */
  const sockets = new Map<number, number>()
  let opened = 0
  const open = (fd: number): number => {
    sockets.set(fd, opened)
    return opened++
  }
  const line = (call: Call): string => {
    switch (call.what) {
      case 'open':
        return `open ${open(call.fd)} ${side(call.netns)} ${call.protocol}`
      case 'send':
        return `send ${sockets.get(call.fd)} ${call.bytes.toString('hex')}`
      case 'read':
        return `read ${side(call.netns)} ${call.path}`
      case 'write':
        return `write ${side(call.netns)} ${Buffer.from(call.value).toString('hex')} ${call.path}`
      case 'mount':
        return `mount ${call.source} ${call.target} ${call.flags}`
    }
  }
  const path = join(BUILD, 'isolate.script')
  writeFileSync(path, [...before.map(line), 'begin', ...calls.map(line), ''].join('\n'))
  return { path, number: numberOf(calls), messages: calls.filter(({ what }) => what === 'send').length }
}

/** The arguments of native/replay.c. */
export const replayArguments = ({ path, number }: Script, { host, containers }: Topology): string[] => [
  ...[path, host.path, containers[0]?.path ?? ''],
  String(number),
]

const inode = (namespace: NamespaceRef | undefined): number => statSync(namespace?.path ?? '').ino

/** The namespace is given its name by its file descriptor. */
function numberOf(calls: readonly Call[]): number {
  for (const call of calls) {
    const fd = call.what === 'mount' ? /^\/proc\/self\/fd\/(\d+)$/.exec(call.source)?.[1] : undefined
    if (fd !== undefined) return Number(fd)
  }
  throw new Error('no namespace was mounted: what was recorded is no isolate()')
}
