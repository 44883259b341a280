import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { inspect } from 'node:util'
import { binding } from '../native/binding.js'
import { SystemError } from '../native/system-error.js'
import { completed } from './completed.js'
import { isNamespaceFile, kindAt } from './handle-file.js'
import { orRecipe } from './unprivileged.js'

/** Where iproute2 keeps the handles of named network namespaces (NETNS_RUN_DIR). */
export const NETNS_RUN_DIR = '/run/netns'

/** linux/mount.h */
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SHARED = 0x10_0000
const EINVAL = -22
const ENOENT = -2
const ENOTDIR = -20

/** The handle of a named namespace. Throws TypeError on a name that is no single path component. */
export function namedPath(name: string): string {
  if (typeof name !== 'string')
    throw new TypeError(`${inspect(name, { depth: 0 })} is not a name for a network namespace: no string`)
  if (!/^[^/\0]+$/.test(name) || name === '.' || name === '..') {
    throw new TypeError(`'${name}' is not a name for a network namespace: no slash, not empty`)
  }
  return `${NETNS_RUN_DIR}/${name}`
}

const mount = (source: string, target: string, flags: number): Promise<void> =>
  completed(done => {
    binding().mount(source, target, flags, done)
  })

/** `mount --bind`. Throws SystemError. */
export const bindMount = (source: string, target: string): Promise<void> => mount(source, target, MS_BIND)

const unmount = (target: string): Promise<void> =>
  completed(done => {
    binding().unmount(target, done)
  })

/**
 * Makes the directory of handles a shared mount, as `ip netns add` does (create_netns_dir and netns_add in iproute2's
 * ip/ipnetns.c), so that handles made and removed in one mount namespace appear and vanish in the others too.
 */
async function shareRunDirectory(): Promise<void> {
  makeRunDirectory()
  try {
    await mount('none', NETNS_RUN_DIR, MS_SHARED | MS_REC)
  } catch (error) {
    if (!(error instanceof SystemError && error.errno === EINVAL)) throw error
    await mount(NETNS_RUN_DIR, NETNS_RUN_DIR, MS_BIND | MS_REC)
    try {
      await mount('none', NETNS_RUN_DIR, MS_SHARED | MS_REC)
    } catch (refusal) {
      await unmount(NETNS_RUN_DIR)
      throw refusal
    }
  }
}

function makeRunDirectory(): void {
  try {
    mkdirSync(NETNS_RUN_DIR, { recursive: true, mode: 0o755 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new SystemError(
      ENOTDIR,
      'mkdir',
      NETNS_RUN_DIR,
      `something else is in its place: ${kindAt(NETNS_RUN_DIR)}`,
    )
  }
}

let preparing = Promise.resolve()

/** Sees to it that NETNS_RUN_DIR is there and shared. One at a time: two that find no mount there would make two. */
export function prepareRunDirectory(): Promise<void> {
  preparing = preparing.catch(() => undefined).then(shareRunDirectory)
  return preparing
}

/**
 * A file for a handle to be mounted on, empty but for a note. Throws `EEXIST` where the name is taken. Blocks, for the microseconds
 * that takes in a tmpfs: the detour by libuv's threads takes ten times as long.
 *
 * @param note is seen where nothing is mounted on the file, such as from another mount namespace
 */
export function makeHandleFile(path: string, note = ''): void {
  const file = openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    note === '' ? 0 : 0o444,
  )
  try {
    if (note !== '') writeSync(file, note)
  } catch (error) {
    unlinkSync(path)
    throw error
  } finally {
    closeSync(file)
  }
}

/** Whether the file at a path has that note, and nothing is mounted on it here. */
export function hasNote(path: string, note: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size !== Buffer.byteLength(note) || isNamespaceFile(path)) return false
  return note === '' || readFileSync(path, 'utf8') === note
}

/** How long `makeHandleFile` may take between its two system calls, ms: a process that is stopped there would be given up. */
const ABANDONED_AFTER_MS = 10_000

/**
 * Whether `makeHandleFile` was killed before it could write the note: the file is empty, and read-only, as no other program makes
 * one. The file of `ip netns add` may not even be read, and one that somebody makes by hand may be written.
 */
export function isAbandoned(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size > 0 || isNamespaceFile(path)) return false
  const { S_IRUSR, S_IWUSR, S_IWGRP, S_IWOTH } = constants
  const isReadOnly = (found.mode & S_IRUSR) !== 0 && (found.mode & (S_IWUSR | S_IWGRP | S_IWOTH)) === 0
  return isReadOnly && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS
}

/** Mounts the namespace of `fd` at the name, as `ip netns attach`. Takes back the file when that fails. */
export function attach(fd: number, name: string, note = ''): Promise<void> {
  const path = namedPath(name)
  return orRecipe(async () => {
    await prepareRunDirectory()
    makeHandleFile(path, note)
    try {
      await bindMount(`/proc/self/fd/${fd}`, path)
    } catch (error) {
      unlinkSync(path)
      throw error
    }
  })
}

/**
 * The same for a name that may have been left behind as a file with the note, as when the mount namespace has gone in which a namespace
 * was mounted there. The file stays: another mount namespace can have the name still. Throws `EEXIST` where the name holds something else.
 */
export async function attachAgain(fd: number, name: string, note: string): Promise<void> {
  const path = namedPath(name)
  if (!hasNote(path, note)) return attach(fd, name, note)
  await orRecipe(async () => {
    await prepareRunDirectory()
    await bindMount(`/proc/self/fd/${fd}`, path)
  })
}

/**
 * Takes a name away, as `ip netns delete`. The namespace lives on while anything else holds it. Of a symbolic link, the link
 * goes, not what it leads to. Throws SystemError `ENOENT` where there is no such name, TypeError for what no namespace was
 * mounted on: that is left alone.
 *
 * @param note of a file that may be taken away too
 */
export async function detach(name: string, note = ''): Promise<void> {
  const path = namedPath(name)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) throw new SystemError(ENOENT, 'unlink', path, `there is no network namespace '${name}'`)
  const isMounted = !found.isSymbolicLink() && isNamespaceFile(path)
  if (!isMounted && !found.isSymbolicLink() && !hasNote(path, '') && !hasNote(path, note))
    throw new TypeError(`'${path}' is not the name of a network namespace, but ${kindAt(path)}`)
  await orRecipe(async () => {
    if (isMounted) await unmount(path)
    unlinkSync(path)
  })
}
