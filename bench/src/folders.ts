import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = (path: string): string => fileURLToPath(new URL(`../${path}/`, import.meta.url))

/** Programs of peers and floors, in C and Python. */
export const NATIVE = folder('native')

/** Executables and inputs, made when needed. */
export const BUILD = folder('build')

/** JSON and SVG of the last run of each benchmark. */
export const RESULTS = folder('results')

for (const made of [BUILD, RESULTS]) mkdirSync(made, { recursive: true })
