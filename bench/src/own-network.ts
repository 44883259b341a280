import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Runs a script of this folder in a network namespace of its own, so that all the programs it starts are in it too. The
 * namespace ends with the script. Resolves with its exit code. Needs CAP_SYS_ADMIN.
 */
export async function runInOwnNetwork(script: string, args: readonly string[]): Promise<number> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const node = [process.execPath, ...process.execArgv, path, ...args]
  const child = spawn('unshare', ['--net', ...node], { stdio: 'inherit' })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 128
}
