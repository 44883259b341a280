/** The versions of the CNI specification that the plug-in speaks, oldest first. */
export const VERSIONS = ['0.4.0', '1.0.0', '1.1.0'] as const

export type Version = (typeof VERSIONS)[number]

/** In which the plug-in answers where it is not known what was asked for. */
export const NEWEST: Version = '1.1.0'

export const isVersion = (text: unknown): text is Version => (VERSIONS as readonly unknown[]).includes(text)

/** Whether a version has what came with another one. */
export const isAtLeast = (version: Version, other: Version): boolean =>
  VERSIONS.indexOf(version) >= VERSIONS.indexOf(other)
