const EPERM = -1
const EACCES = -13

/** Whose user namespace it is that a capability over a network namespace is needed in. */
const OWNER = 'in the user namespace that owns the network namespace'

/** What a system call needs where it is refused for lack of a privilege. */
const NEEDED: Readonly<Record<string, string>> = {
  setns: `CAP_SYS_ADMIN is needed, in the caller's user namespace and ${OWNER}`,
  unshare: 'CAP_SYS_ADMIN is needed',
  mount: 'CAP_SYS_ADMIN is needed in the user namespace that owns the mount namespace',
  umount2: 'CAP_SYS_ADMIN is needed in the user namespace that owns the mount namespace',
  socket: `CAP_NET_RAW is needed ${OWNER}`,
  bind: `CAP_NET_BIND_SERVICE is needed ${OWNER}`,
  setsockopt: `CAP_NET_ADMIN is needed ${OWNER}`,
}

/** What a refused netlink request needs. */
export const NETLINK_PRIVILEGE = `CAP_NET_ADMIN is needed ${OWNER}`

/** Says which capability is missing where a system call was refused, undefined for any other failure. */
export function missingPrivilege(errno: number, syscall: string, path = ''): string | undefined {
  if (-Math.abs(errno) !== EPERM && -Math.abs(errno) !== EACCES) return undefined
  return path.startsWith('/proc/') ? neededForProc(path) : (NEEDED[syscall] ?? (path && neededForFile))
}

const neededForFile = 'root or CAP_DAC_OVERRIDE is needed'

/** net_ctl_permissions in net/sysctl_net.c, sysctl_perm in fs/proc/proc_sysctl.c, proc_ns_get_link in fs/proc/namespaces.c. */
function neededForProc(path: string): string {
  if (path.startsWith('/proc/sys/net/')) return `CAP_NET_ADMIN is needed ${OWNER}`
  if (path.startsWith('/proc/sys/')) return 'root is needed'
  return 'CAP_SYS_PTRACE is needed for a process of another user, or of one with more capabilities'
}
