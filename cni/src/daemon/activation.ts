type Environment = Readonly<Record<string, string | undefined>>

/** Where systemd puts the first socket that it passes on: sd_listen_fds(3). */
const LISTEN_FDS_START = 3

/** The sockets of the daemon that a service manager has opened: file descriptors. */
export interface ActivatedSockets {
  readonly cni?: number
  readonly http?: number
}

/**
 * The sockets that a service manager has opened for this process, by the names that it gives them (`FileDescriptorName=`). A
 * single one without a name is that of CNI.
 *
 * @throws Error for a name that is not known
 */
export function activatedSockets(
  { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' }: Environment,
  pid = process.pid,
): ActivatedSockets {
  if (LISTEN_PID !== String(pid)) return {}
  const count = Number(LISTEN_FDS)
  const names = LISTEN_FDNAMES.split(':')
  if (count === 1 && !['cni', 'http'].includes(names[0] ?? '')) return { cni: LISTEN_FDS_START }
  const found: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const name = names[i] ?? ''
    if ((name !== 'cni' && name !== 'http') || name in found)
      throw new Error(`socket ${i + 1} of LISTEN_FDNAMES is '${name}': expected cni and http, once each`)
    found[name] = LISTEN_FDS_START + i
  }
  return found
}
