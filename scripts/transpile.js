import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './run.js'

const modified = (/** @type {string} */ path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1

/**
 * The JavaScript of a TypeScript file of this repository, types stripped and not checked, with its source map inline.
 * Kept in build/transpiled: loading the compiler costs more than all else a small script does.
 *
 * @param {string} file absolute path
 * @returns {Promise<string>}
 */
export async function transpile(file) {
  const kept = join(root, 'build/transpiled', `${relative(root, file)}.js`)
  if (modified(kept) >= modified(file)) return readFileSync(kept, 'utf8')

  const { default: ts } = await import('typescript')
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  })
  mkdirSync(dirname(kept), { recursive: true })
  const temporary = `${kept}.${randomBytes(8).toString('hex')}`
  writeFileSync(temporary, outputText)
  renameSync(temporary, kept)
  return outputText
}

/**
 * The TypeScript files of a folder, from the repository's root.
 *
 * @param {string} top
 */
export const sourcesBelow = top =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(top, name))

/** Once, before many processes load them: each would load the compiler. */
export async function transpileAll() {
  for (const file of ['src', 'test', 'examples'].flatMap(sourcesBelow)) await transpile(join(root, file))
}
