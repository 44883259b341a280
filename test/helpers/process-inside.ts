import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { NamespaceRef } from './topology.js'

/** Starts a process in a namespace, which ends with the test. Resolves with its pid when it is there. */
export async function processInside(t: Test, { path }: NamespaceRef): Promise<number> {
  const child = spawn('nsenter', [`--net=${path}`, 'sh', '-c', 'echo there; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child.pid as number
}
