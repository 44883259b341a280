import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, succeed } from './run.js'

/** The file that `bin` in package.json names. */
const PROGRAM = 'lib/cli.js'

/**
 * Makes lib/ of src/: the types of each file, and all code in one, because a process that imports 200 small modules
 * waits 70 ms and keeps 9 MB for it (`npm run bench -- import`); the metrics in another, since they import prom-client; and
 * the command line in a third, which imports the first when it needs it. Results of removed or renamed sources go: lib/ is published as a whole.
 *
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function compile() {
  const failure =
    (await declare('tsconfig.build.json')) ??
    (await bundle('src/index.ts', 'lib/index.js')) ??
    (await bundle('src/metrics.ts', 'lib/metrics.js')) ??
    (await bundle('src/cli/main.ts', PROGRAM))
  if (failure === undefined) chmodSync(join(root, PROGRAM), 0o755)
  removeOthers()
  return failure
}

/**
 * Makes cni/lib/ of cni/src/: the programs, `rtnetlink-cni/http` with its types, and what they share. Packages, rtnetlink among
 * them, stay outside.
 *
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function compilePrograms() {
  const esbuild = await import('esbuild')
  const folder = 'cni/src/programs'
  const { version } = JSON.parse(readFileSync(join(root, 'cni/package.json'), 'utf8'))
  rmSync(join(root, 'cni/lib'), { recursive: true, force: true })
  try {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: [
        ...readdirSync(join(root, folder)).map(name => ({
          in: `${folder}/${name}`,
          out: name.replace(/\.ts$/, ''),
        })),
        { in: 'cni/src/http/index.ts', out: 'http' },
      ],
      outdir: 'cni/lib',
      chunkNames: 'shared-[hash]',
      banner: { js: '#!/usr/bin/env node' },
      define: { PACKAGE_VERSION: JSON.stringify(version) },
      bundle: true,
      splitting: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      sourcemap: true,
      sourcesContent: false,
      logLevel: 'silent',
    })
  } catch (error) {
    return /** @type {Error} */ (error).message
  }
  for (const name of readdirSync(join(root, 'cni/lib')))
    if (name.endsWith('.js')) chmodSync(join(root, 'cni/lib', name), 0o755)
  return declare('tsconfig.cni.json')
}

/**
 * Checks the types, too.
 *
 * @param {string} project
 */
const declare = project => succeed(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project])

/**
 * As it is written in src/, but for types and comments: Node prints the line of an error that nobody catches, and who
 * debugs a program reads it. Names are kept not by `keepNames`: it has every closure's name defined anew whenever the
 * closure is made, which trebles the time of encoding.
 *
 * @param {string} entry
 * @param {string} outfile
 */
async function bundle(entry, outfile) {
  const esbuild = await import('esbuild')
  try {
    const { outputFiles } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile,
      ...(outfile === PROGRAM && { banner: { js: '#!/usr/bin/env node' } }),
      bundle: true,
      packages: 'external',
      plugins: outfile === PROGRAM ? [builtinModules, publicSurface] : [builtinModules],
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      // Expressions come out in one line each.
      lineLimit: 120,
      sourcemap: true,
      sourcesContent: false,
      logLevel: 'silent',
      write: false,
    })
    for (const { path, text } of outputFiles)
      writeFileSync(path, path.endsWith('.js') ? oneBytePerCharacter(text) + classNames(text) : text)
    return undefined
  } catch (error) {
    return /** @type {Error} */ (error).message
  }
}

/**
 * V8 keeps a text in two bytes per character from its first character beyond Latin-1 on. esbuild escapes those of strings; what is
 * left is in comments.
 *
 * @param {string} code
 */
const oneBytePerCharacter = code => code.replaceAll('…', '...')

/**
 * Node's own modules are asked of the process: to `import` one has all that it exports evaluated, which for `node:fs` alone
 * loads 2 MB that nobody asked for.
 *
 * @type {import('esbuild').Plugin}
 */
const builtinModules = {
  name: 'builtin-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }))
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

/**
 * The command line has the library beside it, and no copy of it inside.
 *
 * @type {import('esbuild').Plugin}
 */
const publicSurface = {
  name: 'public-surface',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/(\.\.\/)*index\.js$/ }, ({ importer }) =>
      importer.startsWith(join(root, 'src/cli/')) ? { path: './index.js', external: true } : undefined,
    )
  },
}

/**
 * Gives classes back the names that they have in src/. esbuild makes `var A = class _A` of one that mentions itself.
 *
 * @param {string} code
 */
function classNames(code) {
  const renamed = [...code.matchAll(/\b(\w+) = class _\1\b/g)].map(([, name]) => name)
  return `
for (const [name, made] of Object.entries({
  ${renamed.join(',\n  ')}
}))
  Object.defineProperty(made, "name", { value: name });
`
}

function removeOthers() {
  const sources = new Set(listFiles('src').map(file => file.replace(/\.ts$/, '')))
  const made = (/** @type {string} */ file) =>
    /^(README\.md|(index|metrics|cli)\.js(\.map)?)$/.test(file) ||
    (/\.d\.ts(\.map)?$/.test(file) && sources.has(file.replace(/\.d\.ts(\.map)?$/, '')))
  for (const file of listFiles('lib')) if (!made(file)) rmSync(join(root, 'lib', file))
}

/** @param {string} folder */
const listFiles = folder =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(join(root, folder).length + 1))
