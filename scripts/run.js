import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root, with a trailing slash. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a command in the repository's root and resolves with its exit code (128 when a signal ended it).
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options] `stdio` defaults to `'inherit'`
 * @returns {Promise<number>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 128))
  })
}

/**
 * Runs a command without showing its output, and resolves with exit code and output, both streams in one text.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const append = (/** @type {Buffer} */ chunk) => (output += chunk.toString())
    child.stdout?.on('data', append)
    child.stderr?.on('data', append)
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 128, output }))
  })
}

/**
 * Runs a command without showing its output, and resolves with what it printed if it failed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<string | undefined>}
 */
export async function succeed(command, args) {
  const { code, output } = await capture(command, args)
  return code === 0 ? undefined : `${output}${command} ${args.join(' ')} ended with exit code ${code}`
}
