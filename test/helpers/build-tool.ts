import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const tools = fileURLToPath(new URL('../tools/', import.meta.url))

/** Milliseconds since the epoch; -1 for what is not there. */
const modified = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1

/**
 * The path of the executable made of `test/tools/<name>/*.c`, compiled with `cc` if a source is newer.
 * Test processes run side by side: each compiles to a name of its own, and renaming is atomic.
 */
export function buildTool(name: string): string {
  const folder = join(tools, name)
  const executable = join(tools, 'build', name)
  const sources = readdirSync(folder).map(file => join(folder, file))
  if (modified(executable) > Math.max(...sources.map(modified))) return executable

  mkdirSync(join(tools, 'build'), { recursive: true })
  const temporary = `${executable}.${randomBytes(8).toString('hex')}`
  const units = sources.filter(file => file.endsWith('.c'))
  try {
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', temporary, ...units], { stdio: 'pipe' })
    renameSync(temporary, executable)
  } finally {
    rmSync(temporary, { force: true })
  }
  return executable
}
