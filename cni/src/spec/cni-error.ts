/**
 * Error codes of a plug-in. Below 100 those of the CNI specification ("Error", section 5), from 100 on our own; docs/runtimes.md
 * says what to do about each.
 */
export const CODE = {
  /** The version of the specification is not one that the plug-in speaks, or has no such command. */
  incompatibleVersion: 1,
  /** A key of the configuration that nobody knows. */
  unsupportedField: 2,
  /** No container has this id. */
  unknownContainer: 3,
  /** A CNI_ variable is missing or malformed. */
  invalidEnvironment: 4,
  /** What the plug-in talks to could not be read or written. */
  inputOutput: 5,
  /** The configuration is no JSON. */
  decoding: 6,
  /** The configuration's values do not fit, each other or the host. */
  invalidConfiguration: 7,
  /** Another one is busy with this host: the same call may succeed later. */
  tryAgainLater: 11,
  /** STATUS: this kernel, or these rights, cannot take an ADD. */
  notAvailable: 50,
  /** STATUS: an ADD works, but what is there is not whole. */
  limited: 51,
  /** What has no other code. */
  unexpected: 100,
  /** hostPort and containerPort differ. */
  portsDiffer: 101,
  /** CHECK: the container is not as it was made. */
  checkFailed: 102,
  /** Another container has one of the ports. */
  portsOverlap: 103,
  /** One of the ports is not among those that the network gives out. */
  portsUnmanaged: 104,
  /** A socket of the host has one of the ports. */
  portsInUse: 105,
  /** No ephemeral ports, or no slot, is left. */
  portsExhausted: 106,
  /** The namespace is a container already. */
  exists: 107,
  /** Something that is not ours stands where our own belongs. */
  foreignState: 108,
} as const

export type Code = (typeof CODE)[keyof typeof CODE]

/** An error as a plug-in prints it. */
export interface ErrorResult {
  readonly cniVersion: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** Why a call is refused or has failed. */
export class CniError extends Error {
  override readonly name = 'CniError'
  readonly code: Code
  /** More for the person who reads the log. */
  readonly details: string | undefined

  constructor(code: Code, message: string, details?: string) {
    super(message)
    this.code = code
    this.details = details
  }
}

/** As printed for a runtime that speaks `version`. */
export const errorResult = (version: string, { code, message, details }: CniError): ErrorResult => ({
  cniVersion: version,
  code,
  msg: message,
  ...(details !== undefined && { details }),
})
