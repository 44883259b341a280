import { statfsSync, statSync, type Stats } from 'node:fs'

/** linux/magic.h */
const NSFS_MAGIC = 0x6e73_6673

/** True for the handle of a namespace, of whatever kind. Follows symbolic links. */
export const isNamespaceFile = (path: string): boolean => statfsSync(path).type === NSFS_MAGIC

const kinds: readonly (readonly [is: (stats: Stats) => boolean, kind: string])[] = [
  [stats => stats.isFile() && stats.size === 0, 'an empty file, as a namespace that is gone leaves behind'],
  [stats => stats.isFile(), 'a file'],
  [stats => stats.isDirectory(), 'a directory'],
  [stats => stats.isFIFO(), 'a FIFO'],
  [stats => stats.isSocket(), 'a socket'],
]

/** What there is at a path, in words. */
export function kindAt(path: string): string {
  const stats = statSync(path)
  return kinds.find(([is]) => is(stats))?.[1] ?? 'a device'
}
