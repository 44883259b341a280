import type { Golden } from './golden.js'
export const goldens: readonly Golden[] = []
