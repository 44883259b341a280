import { closeSync, constants, openSync, readdirSync, statSync } from 'node:fs'
import { inspect } from 'node:util'
import { tryCall } from '../native/system-calls.js'
import { SystemError } from '../native/system-error.js'
import { isNamespaceFile, kindAt } from './handle-file.js'
import { namedPath } from './named.js'

/** linux/nsfs.h, linux/sched.h */
const NS_GET_NSTYPE = 0xb703
const CLONE_NEWNET = 0x4000_0000

const ENOENT = -2

/**
 * Where a namespace is found: a path is what has a slash, any other text a name in /run/netns, a number the pid of a
 * process in it. Throws TypeError for what is none of these.
 */
export function pathOf(reference: string | number): string {
  if (typeof reference === 'string' && reference !== '')
    return reference.includes('/') ? reference : namedPath(reference)
  if (typeof reference === 'number' && Number.isSafeInteger(reference) && reference > 0)
    return pathOfProcess(reference)
  throw new TypeError(
    `${inspect(reference, { depth: 0 })} is no network namespace: expected a path, a name in /run/netns, a pid or a NetworkNamespace`,
  )
}

/** errnos of the threads of a process that has ended, or that may not be looked at. */
const HIDDEN: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])

/** A process whose main thread has ended lives on in the others, and so does its namespace. */
function pathOfProcess(pid: number): string {
  const usual = `/proc/${pid}/ns/net`
  if (isThere(usual)) return usual
  const tasks = `/proc/${pid}/task`
  try {
    const threads = readdirSync(tasks).map(tid => `${tasks}/${tid}/ns/net`)
    return threads.find(isThere) ?? usual
  } catch (error) {
    const { code = '', errno = 0 } = error as NodeJS.ErrnoException
    if (HIDDEN.has(code)) return usual
    throw new SystemError(errno, 'open', tasks)
  }
}

/** False for what is not there, not for what may not be looked at. */
function isThere(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

/**
 * Opens what a reference means, and returns its file descriptor. Nothing but a namespace is ever opened: to open a FIFO can
 * take for ever, a device may do something.
 */
export function openNamespace(reference: string | number): number {
  const path = pathOf(reference)
  try {
    if (!isNamespaceFile(path))
      throw new TypeError(`'${path}' is not a network namespace, but ${kindAt(path)}`)
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (tryCall('ioctl', fd, NS_GET_NSTYPE) === CLONE_NEWNET) return fd
    closeSync(fd)
  } catch (error) {
    throw explained(error, path, reference)
  }
  throw new TypeError(`'${path}' is not a network namespace, but one of another kind`)
}

/** An error of node:fs as a SystemError that says what would help. */
function explained(error: unknown, path: string, reference: string | number): unknown {
  const { errno, code } = error as NodeJS.ErrnoException
  if (errno === undefined || error instanceof SystemError) return error
  if (errno === ENOENT) {
    const missing =
      typeof reference === 'number'
        ? `there is no process ${reference}, or it has ended`
        : `there is no network namespace '${reference}'`
    return new SystemError(errno, 'open', path, missing)
  }
  const help = code === 'ENOTDIR' ? 'a part of this path is a file' : undefined
  return new SystemError(errno, 'open', path, help)
}
