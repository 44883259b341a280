import type { Socket } from 'node:net'
import { getSocketBytes } from './system-calls.js'
import { SystemError } from './system-error.js'

/** asm-generic/socket.h */
const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** `struct ucred`, linux/socket.h: pid, uid, gid, 32 bits each. */
const SIZEOF_UCRED = 12
/** What the kernel gives as uid where there is no peer (cred_to_ucred in net/core/sock.c). */
const NOBODY = 0xffff_ffff

const EBADF = -9
const ENOTCONN = -107

/** Who is at the other end of a unix socket. */
export interface PeerCredentials {
  /** As seen in the caller's pid namespace; 0 if the process is in none that the caller sees. It may have ended since. */
  pid: number
  /** Effective user id, in the caller's user namespace; 65534 if it has no number there. */
  uid: number
  /** Effective group id, likewise. Supplementary groups are not among what the kernel keeps here. */
  gid: number
}

/**
 * Returns the process that connected a unix socket, as the kernel noted it at `connect(2)`; at the connecting end, the one
 * that called `listen(2)`; for a pair, the one that called `socketpair(2)` (SO_PEERCRED, unix(7)). The process cannot
 * choose these numbers, so a server may decide by them who may do what. Needs no privilege.
 *
 * @param socket a connected `net.Socket` (of an HTTP request: `request.socket`), or a file descriptor
 * @throws SystemError `ENOTCONN` where the socket is not connected or no unix socket, `EBADF` once it is closed,
 *   `ENOTSOCK` for what is no socket
 */
export function peerCredentials(socket: Socket | number): PeerCredentials {
  const fd = typeof socket === 'number' ? socket : descriptorOf(socket)
  const bytes = getSocketBytes(fd, SOL_SOCKET, SO_PEERCRED, SIZEOF_UCRED)
  const [pid = 0, uid = NOBODY, gid = NOBODY] = new Uint32Array(bytes.buffer)
  if (uid === NOBODY) throw new SystemError(ENOTCONN, 'getsockopt')
  return { pid, uid, gid }
}

/** Node has no public name for the file descriptor of a socket; libuv's handle has had this one since Node 0.10. */
function descriptorOf(socket: Socket): number {
  const { _handle } = socket as unknown as { _handle?: { fd?: unknown } | null }
  if (typeof _handle?.fd !== 'number' || _handle.fd < 0) throw new SystemError(EBADF, 'getsockopt')
  return _handle.fd
}
