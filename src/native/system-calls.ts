import { addon, type Bytes, type DescriptorHandle, type SystemCallName } from './addon.js'
import { SystemError } from './system-error.js'

/** linux/eventpoll.h */
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const EPOLL_CLOEXEC = 0o2000000
/** linux/net.h */
const SOCK_CLOEXEC = 0o2000000
const SOCK_NONBLOCK = 0o4000

const places = new Map<SystemCallName, number>()

/** Where the addon has a system call. */
function placeOf(name: SystemCallName): number {
  if (places.size === 0) addon().systemCalls.forEach((known, place) => places.set(known, place))
  return places.get(name) ?? -1
}

/** Calls the kernel. Returns what it does; an errno, negative, is not thrown. */
export function tryCall(name: SystemCallName, ...args: readonly (number | Bytes)[]): number {
  return addon().systemCall(placeOf(name), ...args)
}

/** Calls the kernel inside a network namespace, -1 for the caller's, for a file descriptor. Throws SystemError. */
function open(netns: number, name: SystemCallName, ...args: readonly number[]): DescriptorHandle {
  const { DescriptorHandle } = addon()
  return new DescriptorHandle(netns, placeOf(name), ...args)
}

/**
 * A socket of any kind made inside `netns`, which does not block and is closed by `exec`. Throws SystemError. It belongs
 * to the handle from the beginning: a worker thread that is terminated leaves none.
 */
export const openSocket = (netns: number, domain: number, type: number, protocol: number): DescriptorHandle =>
  open(netns, 'socket', domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)

/** Calls the kernel. Throws SystemError. */
function call(name: SystemCallName, ...args: readonly (number | Bytes)[]): number {
  const result = tryCall(name, ...args)
  if (result < 0) throw new SystemError(result, name)
  return result
}

/** `bind(2)` to the bytes of a `struct sockaddr`. */
export function bind(fd: number, address: Uint8Array): void {
  call('bind', fd, address, address.length)
}

/** `connect(2)` to the bytes of a `struct sockaddr`. */
export function connect(fd: number, address: Uint8Array): void {
  call('connect', fd, address, address.length)
}

/** `listen(2)`. Called again, it has `SO_PEERCRED` of those who connect from then on name the caller. */
export function listen(fd: number, backlog: number): void {
  call('listen', fd, backlog)
}

/** Takes the first of those who have connected to a socket that listens. Throws SystemError, `EAGAIN` where there is none. */
export const accept = (fd: number): DescriptorHandle =>
  open(-1, 'accept4', fd, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK)

/** Hands a file descriptor to the other end of a unix socket. Throws SystemError, `EPIPE` where that has gone. */
export function passDescriptor(socket: number, fd: number): void {
  call('sendmsg', socket, fd)
}

/** Takes a file descriptor that was handed over. Throws SystemError: `ECONNRESET` where the other end has gone without. */
export const receiveDescriptor = (socket: number): DescriptorHandle => open(-1, 'recvmsg', socket)

/** `setsockopt(2)` of an option that is an `int`. */
export function setSocketOption(fd: number, level: number, option: number, value: number): void {
  const bytes = Int32Array.of(value)
  call('setsockopt', fd, level, option, bytes, bytes.byteLength)
}

/** `getsockopt(2)` of an option that is an `int`. */
export function getSocketOption(fd: number, level: number, option: number): number {
  const bytes = new Int32Array(1)
  call('getsockopt', fd, level, option, bytes, Int32Array.of(bytes.byteLength))
  return bytes[0] ?? 0
}

/** `getsockopt(2)` of an option that is a struct of `length` bytes. Returns as many; what the kernel left out is 0. */
export function getSocketBytes(fd: number, level: number, option: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  call('getsockopt', fd, level, option, bytes, Int32Array.of(length))
  return bytes
}

/** A new epoll instance, which can be read from, by an I/O thread, when one of the descriptors in it can be. */
export const openEpoll = (): DescriptorHandle => open(-1, 'epoll_create1', EPOLL_CLOEXEC)

/** Puts a file descriptor into an epoll instance, which it leaves when it is closed. */
export function addToEpoll(epoll: number, fd: number): void {
  // struct epoll_event: what to wait for, then 64 bits that come back with the event, packed or not
  const event = Uint32Array.of(EPOLLIN, 0, 0, 0)
  call('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, event)
}

/** A file descriptor of a process, which can be read from once its last thread has ended. */
export const openPidfd = (pid: number): DescriptorHandle => open(-1, 'pidfd_open', pid, 0)
