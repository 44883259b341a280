import type * as library from '../index.js'

/** The public surface of the package. It is loaded when a command needs it: help and completion come at once. */
export type Library = typeof library

export const loadLibrary = (): Promise<Library> => import('../index.js')
