import { addon, type Bytes, type SystemCallName } from './addon.js'
import { SystemError } from './system-error.js'

/** linux/eventpoll.h */
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const EPOLL_CLOEXEC = 0o2000000
/** linux/eventfd.h */
const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000

/** Calls the kernel. Returns what it does; an errno, negative, is not thrown. */
export function tryCall(name: SystemCallName, ...args: readonly (number | Bytes)[]): number {
  const { systemCall, numbers } = addon()
  return systemCall(numbers[name], ...args)
}

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

/** A counter to wait for, by which one thread wakes another. Neither waits when it reads or writes. */
export const eventfd = (): number => call('eventfd2', 0, EFD_CLOEXEC | EFD_NONBLOCK)

/** A new epoll instance: a file descriptor that can be read from, for an I/O thread, when one of those in it can be. */
export const epoll = (): number => call('epoll_create1', EPOLL_CLOEXEC)

/** Puts a file descriptor into an epoll instance, which it leaves when it is closed. */
export function addToEpoll(epoll: number, fd: number): void {
  // struct epoll_event: what to wait for, then 64 bits that come back with the event, packed or not
  const event = Uint32Array.of(EPOLLIN, 0, 0, 0)
  call('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, event)
}

/** A file descriptor that can be read from once the process has ended. */
export const pidfdOpen = (pid: number): number => call('pidfd_open', pid, 0)
