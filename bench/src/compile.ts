import { join } from 'node:path'
import { BUILD, NATIVE } from './folders.js'
import { output } from './output.js'

/**
 * Compiles `native/<name>.c` with `cc -O2`, and with the flags of a pkg-config library if one is named. Gives the path
 * of the executable. Throws with the tool's words where the compiler or the library is missing.
 */
export async function compile(name: string, library?: string): Promise<string> {
  const executable = join(BUILD, name)
  const flags = library === undefined ? '' : await output('pkg-config', ['--cflags', '--libs', library])
  const source = join(NATIVE, `${name}.c`)
  await output('cc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-pthread',
    '-o',
    executable,
    source,
    ...flags.split(/\s+/).filter(Boolean),
  ])
  return executable
}
