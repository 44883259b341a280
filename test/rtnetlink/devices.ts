import type { DeviceNames } from '../../src/netlink/message-type.js'

const names = ['lo', 'eth0', 'pm1', 'br0']

/** A namespace with `lo`, `eth0`, `pm1` and `br0`, numbered from 1. */
export const devices: DeviceNames = {
  interfaceIndex: name => names.indexOf(name) + 1,
  interfaceName: index => names[index - 1],
}
