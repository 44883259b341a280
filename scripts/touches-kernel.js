import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transpile } from './transpile.js'

/** A value import in what the compiler makes of a module; type imports are gone by then. */
const importPattern = /^(?:import|export)\s(?:[\w$*{},\s]*\sfrom\s+)?['"]([^'"]+)['"]/gm

/**
 * Whether a TypeScript file can reach a kernel: it, or a file that it imports, loads the addon or starts processes.
 * What cannot says the same under every kernel.
 *
 * @param {string} file absolute path
 * @param {Set<string>} [seen]
 * @returns {Promise<boolean>}
 */
export async function touchesKernel(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  if (file.endsWith('/src/native/binding.ts')) return true
  for (const [, specifier = ''] of (await transpile(file)).matchAll(importPattern)) {
    if (specifier === 'node:child_process') return true
    const target = join(dirname(file), specifier.replace(/\.js$/, '.ts'))
    if (specifier.startsWith('.') && (await touchesKernel(target, seen))) return true
  }
  return false
}
