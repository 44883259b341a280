import { closeSync, constants, mkdirSync, openSync, promises } from 'node:fs'
import { binding } from '../native/binding.js'
import { SystemError } from '../native/system-error.js'
import { completed } from './completed.js'

/** Where iproute2 keeps the handles of named network namespaces (NETNS_RUN_DIR). */
export const NETNS_RUN_DIR = '/run/netns'

/** linux/mount.h */
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SHARED = 0x10_0000
const EINVAL = -22

/** The handle of a named namespace. Throws TypeError on a name that is no single path component. */
export function namedPath(name: string): string {
  if (!/^[^/\0]+$/.test(name) || name === '.' || name === '..') {
    throw new TypeError(`'${name}' is not a name for a network namespace: no slash, not empty`)
  }
  return `${NETNS_RUN_DIR}/${name}`
}

const mount = (source: string, target: string, flags: number): Promise<void> =>
  completed(done => {
    binding().mount(source, target, flags, done)
  })

const unmount = (target: string): Promise<void> =>
  completed(done => {
    binding().unmount(target, done)
  })

/**
 * Makes the directory of handles a shared mount, as `ip netns add` does (create_netns_dir and netns_add in iproute2's
 * ip/ipnetns.c), so that handles made and removed in one mount namespace appear and vanish in the others too.
 */
async function shareRunDirectory(): Promise<void> {
  mkdirSync(NETNS_RUN_DIR, { recursive: true, mode: 0o755 })
  try {
    await mount('none', NETNS_RUN_DIR, MS_SHARED | MS_REC)
  } catch (error) {
    if (!(error instanceof SystemError && error.errno === EINVAL)) throw error
    await mount(NETNS_RUN_DIR, NETNS_RUN_DIR, MS_BIND | MS_REC)
    await mount('none', NETNS_RUN_DIR, MS_SHARED | MS_REC)
  }
}

let preparing = Promise.resolve()

/** Sees to it that NETNS_RUN_DIR is there and shared. One at a time: two that find no mount there would make two. */
export function prepareRunDirectory(): Promise<void> {
  preparing = preparing.catch(() => undefined).then(shareRunDirectory)
  return preparing
}

/**
 * An empty file for a handle to be mounted on. Throws `EEXIST` where the name is taken. Blocks, for the microseconds that takes
 * in a tmpfs: the detour by libuv's threads takes ten times as long.
 */
export function makeHandleFile(path: string): void {
  closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL, 0))
}

/** Mounts the namespace of `fd` at the name, as `ip netns attach`. Takes back the file when that fails. */
export async function attach(fd: number, name: string): Promise<string> {
  const path = namedPath(name)
  await prepareRunDirectory()
  makeHandleFile(path)
  try {
    await mount(`/proc/self/fd/${fd}`, path, MS_BIND)
  } catch (error) {
    await promises.unlink(path)
    throw error
  }
  return path
}

/** Takes a name away, as `ip netns delete`. The namespace lives on while anything else holds it. */
export async function detach(name: string): Promise<void> {
  const path = namedPath(name)
  await promises.access(path)
  try {
    await unmount(path)
  } catch (error) {
    // A handle left behind by an earlier boot or a cut `attach` is a plain file.
    if (!(error instanceof SystemError && error.errno === EINVAL)) throw error
  }
  await promises.unlink(path)
}
