import { either, name, whole, type Declaration } from '../input/index.js'
import type { DeviceNames } from './message-type.js'

/** A network device: its name, looked up at every call and never remembered, or its index. */
export type Device = string | number

const MAX_INDEX = 0x7fffffff

/** The name of a device; whether it exists is known to the kernel alone. */
export const deviceNameInput = name("an interface name such as 'eth0'")

export const deviceIndexInput = whole(1, MAX_INDEX, 'an interface index')

/** A device that a caller names. */
export const deviceInput: Declaration<Device> = either(deviceNameInput, deviceIndexInput)

/** A device that does not exist in the network namespace of the socket. Thrown before anything is sent. */
export class NoSuchDeviceError extends Error {
  override readonly name = 'NoSuchDeviceError'
  readonly code = 'ENODEV'
  readonly errno = -19
  readonly device: string

  constructor(device: string) {
    super(`ENODEV: there is no device '${device}' in this network namespace`)
    this.device = device
  }
}

/** The ifindex of a device. Throws NoSuchDeviceError for an unknown name, RangeError for what is no index. */
export function deviceIndex(devices: DeviceNames, device: Device): number {
  if (typeof device === 'string') {
    const index = devices.interfaceIndex(device)
    if (index === 0) throw new NoSuchDeviceError(device)
    return index
  }
  if (!Number.isInteger(device) || device < 1 || device > MAX_INDEX) {
    throw new RangeError(`${device} is not an interface index: expected a whole number from 1`)
  }
  return device
}

/** The name of a device, or `if<index>` for one that is gone or in another namespace. */
export const deviceName = (devices: DeviceNames, index: number): string =>
  devices.interfaceName(index) ?? `if${index}`

/**
 * A view of `devices` that asks for each name and index once: for one call, such as a dump or a batch, in which names
 * cannot be expected to change.
 */
export function rememberNames(devices: DeviceNames): DeviceNames {
  return {
    interfaceIndex: remembering(name => devices.interfaceIndex(name)),
    interfaceName: remembering(index => devices.interfaceName(index)),
  }
}

function remembering<Key, Value>(ask: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>()
  return key => {
    if (!known.has(key)) known.set(key, ask(key))
    return known.get(key) as Value
  }
}
