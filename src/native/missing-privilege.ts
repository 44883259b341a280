import { ownRights, type Capability, type OwnRights } from './own-rights.js'

const EPERM = -1
const EACCES = -13
const ENOSPC = -28
const EROFS = -30
const ENOSYS = -38
const EAFNOSUPPORT = -97

/** Whose user namespace it is that a capability over a network namespace is needed in. */
const OWNER = 'in the user namespace that owns the network namespace'
const OWNER_OF_MOUNTS = 'in the user namespace that owns the mount namespace'

/** A capability, and where it is needed if the caller's own user namespace is not enough. */
interface Need {
  readonly capability: Capability
  readonly where?: string
}

/** What a system call needs where it is refused for lack of a privilege. */
const NEEDED: Readonly<Record<string, Need>> = {
  setns: { capability: 'CAP_SYS_ADMIN', where: `, in the caller's user namespace and ${OWNER}` },
  unshare: { capability: 'CAP_SYS_ADMIN' },
  mount: { capability: 'CAP_SYS_ADMIN', where: ` ${OWNER_OF_MOUNTS}` },
  umount2: { capability: 'CAP_SYS_ADMIN', where: ` ${OWNER_OF_MOUNTS}` },
  socket: { capability: 'CAP_NET_RAW', where: ` ${OWNER}` },
  bind: { capability: 'CAP_NET_BIND_SERVICE', where: ` ${OWNER}` },
  setsockopt: { capability: 'CAP_NET_ADMIN', where: ` ${OWNER}` },
}

/** What a refused netlink request needs. */
export const NETLINK_PRIVILEGE = `CAP_NET_ADMIN is needed ${OWNER}`

/** The capability that a system call needs, on that file, and the caller does not have; undefined if it has it. */
export function lackedCapability(
  syscall: string,
  path = '',
  own: OwnRights = ownRights(),
): Capability | undefined {
  const capability = isOfProcess(path) ? PROCESS_CAPABILITY : NEEDED[syscall]?.capability
  return capability === undefined || own.has(capability) ? undefined : capability
}

/** Says what would help where a system call failed: a capability, another seccomp filter, a mount that is writable. */
export function whatWouldHelp(
  errno: number,
  syscall: string,
  path?: string,
  own?: OwnRights,
): string | undefined {
  switch (-Math.abs(errno)) {
    case ENOSPC:
      return syscall === 'unshare' ? 'the sysctl user.max_net_namespaces allows no more' : undefined
    case EROFS:
      return path?.startsWith('/proc/sys/') ? '/proc/sys is mounted read-only here' : undefined
    default:
      return missingPrivilege(errno, syscall, path, own)
  }
}

/** Says which privilege is missing where a system call was refused, undefined for any other failure. */
export function missingPrivilege(
  errno: number,
  syscall: string,
  path = '',
  own?: OwnRights,
): string | undefined {
  const [code, need] = [-Math.abs(errno), NEEDED[syscall]]
  if (isOfFilter(code, syscall)) return (own ?? ownRights()).isFiltered ? refusedByFilter(syscall) : undefined
  if (code !== EPERM && code !== EACCES) return undefined
  if (path.startsWith('/proc/')) return neededForProc(path)
  return need ? neededBy(syscall, need, own ?? ownRights()) : path && 'root or CAP_DAC_OVERRIDE is needed'
}

/**
 * Whether a seccomp filter alone fails a call like this: RestrictAddressFamilies= of systemd returns EAFNOSUPPORT, container
 * runtimes return ENOSYS for system calls that they do not know.
 */
const isOfFilter = (code: number, syscall: string): boolean =>
  code === ENOSYS ? syscall in NEEDED : code === EAFNOSUPPORT && syscall === 'socket'

/** A caller that has the capability is refused for its user namespace, by a filter or by a security module. */
function neededBy(syscall: string, { capability, where = '' }: Need, own: OwnRights): string {
  const needed = `${capability} is needed${where}`
  if (!own.has(capability)) return needed
  const filter = own.isFiltered ? refusedByFilter(syscall) : undefined
  if (where === '' || own.isFirstUserNamespace)
    return filter ?? `a security module such as AppArmor or SELinux refuses ${syscall}`
  const other = `${needed}; this process has it in its own user namespace alone`
  return filter === undefined ? other : `${other}, or ${filter}`
}

const refusedByFilter = (syscall: string): string => `a seccomp filter of this process refuses ${syscall}`

/** What the files of another user's process in /proc need. */
const PROCESS_CAPABILITY = 'CAP_SYS_PTRACE'

const isOfProcess = (path: string): boolean => path.startsWith('/proc/') && !path.startsWith('/proc/sys/')

/** net_ctl_permissions in net/sysctl_net.c, sysctl_perm in fs/proc/proc_sysctl.c, proc_ns_get_link in fs/proc/namespaces.c. */
function neededForProc(path: string): string {
  if (path.startsWith('/proc/sys/net/')) return `CAP_NET_ADMIN is needed ${OWNER}`
  if (path.startsWith('/proc/sys/')) return 'root is needed'
  return `${PROCESS_CAPABILITY} is needed for a process of another user, or of one with more capabilities`
}
