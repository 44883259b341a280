import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { buildTool } from './build-tool.js'
import type { NamespaceRef } from './topology.js'

/** test/tools/inside/main.c has them. */
export type Attack = 'links' | 'queries' | 'settings' | 'filters' | 'sockets'

/** Does in a namespace what its root can do to whoever looks there, until it is disposed of. Resolves when it stands. */
export async function attackInside(
  { path }: NamespaceRef,
  attack: Attack,
  count: number,
): Promise<AsyncDisposable> {
  const child = spawn('nsenter', [`--net=${path}`, buildTool('inside'), attack, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as unknown[]
  if (line !== 'ready') throw new Error(`the attack '${attack}' has ended: ${String(line)}`)
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}
