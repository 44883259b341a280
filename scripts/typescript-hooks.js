import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transpile } from './transpile.js'

const isOurs = (/** @type {string} */ url) => url.endsWith('.ts') && !url.includes('/node_modules/')

/**
 * In a TypeScript module './x.js' names x.ts.
 *
 * @type {import('node:module').ResolveHook}
 */
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && isOurs(context.parentURL ?? '')) {
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(fileURLToPath(url))) return { url: url.href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (!isOurs(url)) return next(url, context)
  return { format: 'module', source: await transpile(fileURLToPath(url)), shortCircuit: true }
}
