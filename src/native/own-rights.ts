import { readFileSync, statSync } from 'node:fs'

/** linux/capability.h */
const CAPABILITIES = {
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
} as const

export type Capability = keyof typeof CAPABILITIES

/** What the calling thread may do. Of what /proc does not say, nothing. */
export interface OwnRights {
  /** Whether it has a capability in its effective set, in its own user namespace. */
  readonly has: (capability: Capability) => boolean
  /** Whether a seccomp filter decides which system calls it may make. */
  readonly isFiltered: boolean
  /** Whether it is in the user namespace of the whole machine: then its capabilities hold in all others too. */
  readonly isFirstUserNamespace: boolean
}

/** SECCOMP_MODE_FILTER, linux/seccomp.h */
const FILTERED = '2'
/** PROC_USER_INIT_INO, linux/proc_ns.h */
const FIRST_USER_NAMESPACE = 0xeffffffd

/** Reads them from /proc (proc_pid_status(5)), which takes some 50 us. */
export function ownRights(): OwnRights {
  const status = readStatus()
  const lineOf = (name: string): string | undefined =>
    new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1]
  const effective = BigInt(`0x${lineOf('CapEff') ?? '0'}`)
  return {
    has: name => ((effective >> BigInt(CAPABILITIES[name])) & 1n) === 1n,
    isFiltered: lineOf('Seccomp') === FILTERED,
    isFirstUserNamespace: inodeOf('/proc/self/ns/user') === FIRST_USER_NAMESPACE,
  }
}

/** Undefined where it cannot be read: this explains another error, which matters more. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

/** Likewise empty. */
function readStatus(): string {
  try {
    return readFileSync('/proc/thread-self/status', 'latin1')
  } catch {
    return ''
  }
}
