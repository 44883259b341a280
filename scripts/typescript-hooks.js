import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transpile } from './transpile.js'

const isOurs = (/** @type {string} */ url) => /\.ts(\?|$)/.test(url) && !url.includes('/node_modules/')

/**
 * In a TypeScript module './x.js' names x.ts. './x.js?again' is another instance of it, and of what it imports.
 *
 * @type {import('node:module').ResolveHook}
 */
export async function resolve(specifier, context, next) {
  const { parentURL = '' } = context
  if (/^\..*\.js(\?|$)/.test(specifier) && isOurs(parentURL)) {
    const url = new URL(specifier.replace(/\.js(\?|$)/, '.ts$1'), parentURL)
    url.search ||= new URL(parentURL).search
    if (existsSync(fileURLToPath(url))) return { url: url.href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (!isOurs(url)) return next(url, context)
  return { format: 'module', source: await transpile(fileURLToPath(url)), shortCircuit: true }
}
