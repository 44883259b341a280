import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { SystemError } from '../native/system-error.js'
import { bindMount, NETNS_RUN_DIR } from './named.js'

/** __O_TMPFILE, asm-generic/fcntl.h: with a directory, a file without a name, which is gone once closed. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/** errnos of a file system that takes no files here; others, such as EOPNOTSUPP, say that it has none without a name. */
const NOT_WRITABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])
/** errnos of a system call that is forbidden; a container runtime's seccomp filter returns ENOSYS. */
const FORBIDDEN: ReadonlySet<string> = new Set([...NOT_WRITABLE, 'ENOSYS'])

/** Why names of namespaces cannot be made in /run/netns, an error for each reason; none if they can. Changes nothing. */
export async function namesRefused(): Promise<SystemError[]> {
  // What is not there yet is made.
  let directory = NETNS_RUN_DIR
  while (!existsSync(directory)) directory = dirname(directory)
  return [await mountRefused(directory), writeRefused(directory)].flatMap(error => error ?? [])
}

/** Of a bind mount without a source the kernel says EINVAL, once it has looked at the caller's rights (path_mount, fs/namespace.c). */
async function mountRefused(target: string): Promise<SystemError | undefined> {
  try {
    await bindMount('', target)
  } catch (error) {
    if (error instanceof SystemError && FORBIDDEN.has(error.code)) return error
  }
  return undefined
}

function writeRefused(directory: string): SystemError | undefined {
  try {
    closeSync(openSync(directory, O_TMPFILE | constants.O_WRONLY, 0))
  } catch (error) {
    const { code = '', errno = 0 } = error as NodeJS.ErrnoException
    if (NOT_WRITABLE.has(code)) return new SystemError(errno, 'open', directory)
  }
  return undefined
}
