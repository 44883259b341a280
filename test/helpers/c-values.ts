import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Skip } from './privilege.js'

/** For tap's options: why no C program can be made here, or false. */
export function hasCompiler(): Skip {
  const { status, error } = spawnSync('cc', ['--version'])
  return { skip: status === 0 ? false : `no C compiler: ${error?.message ?? `exit status ${status}`}` }
}

/** What the C compiler makes of integer expressions, `sizeof` and `offsetof` among them. Throws with its errors. */
export function cValues(headers: readonly string[], expressions: readonly string[]): Map<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'c-values-'))
  try {
    const source = join(folder, 'values.c')
    const program = join(folder, 'values')
    const includes = ['stdio.h', 'stddef.h', ...headers].map(header => `#include <${header}>`)
    const prints = expressions.map(expression => `  printf("%lld\\n", (long long)(${expression}));`)
    writeFileSync(source, [...includes, 'int main(void) {', ...prints, '  return 0;', '}', ''].join('\n'))
    run('cc', ['-D_GNU_SOURCE', '-o', program, source])
    const lines = run(program, []).trim().split('\n')
    return new Map(expressions.map((expression, i) => [expression, Number(lines[i])]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Every word in what the preprocessor makes of the headers: enum constants, members and macros among them. */
export function cWords(headers: readonly string[]): Set<string> {
  const source = headers.map(header => `#include <${header}>\n`).join('')
  const text = run('cc', ['-D_GNU_SOURCE', '-E', '-P', '-dD', '-x', 'c', '-'], source)
  return new Set(text.match(/\b[A-Za-z_]\w*\b/g))
}

function run(program: string, args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input, maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}
